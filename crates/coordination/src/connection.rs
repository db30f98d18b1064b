//! Opens connections to Redis, single or a cluster, with or without TLS.

use std::time::Duration;

use config::{HostPort, RedisEndpoint};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _,
    Pipeline, RedisConnectionInfo, RedisFuture, RedisResult, TlsCertificates, Value,
};
use tokio::time::timeout;

use crate::error::Error;

/// Longest time to open a connection, TLS and authentication included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait for one answer.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_millis(100);
/// The same with all redirections and retries of a cluster.
const CLUSTER_TIMEOUT: Duration = Duration::from_millis(250);
/// Pauses between the retries of a cluster, in milliseconds.
const CLUSTER_PAUSE_MS: (u64, u64) = (20, 100);
/// Time after which a connection whose peer acknowledges nothing is closed.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(2);
/// Commands that wait in one connection.
const QUEUE_MAX: usize = 1024;
/// How Redis names our connections in `CLIENT LIST`.
const CLIENT_NAME: &str = "investiq";

/// A connection; its clones share it.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

#[derive(Debug)]
pub(crate) struct Connector {
    endpoint: RedisEndpoint,
    certificates: Option<TlsCertificates>,
    retries_max: u32,
}

impl Connector {
    pub(crate) fn new(endpoint: RedisEndpoint, settings: &config::Redis) -> Self {
        // Without a choice, the TLS library panics where two are compiled in. A second call changes nothing.
        let _chosen = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider().install_default();
        let certificates = settings.tls_ca.as_ref().filter(|_| endpoint.is_encrypted);
        let certificates = certificates.map(|authorities| TlsCertificates {
            client_tls: None,
            root_cert: Some(authorities.pem.clone()),
        });
        Self { endpoint, certificates, retries_max: settings.retries_max }
    }

    /// Longest time for a command.
    pub(crate) fn command_timeout(&self) -> Duration {
        if self.endpoint.is_cluster { CLUSTER_TIMEOUT } else { ANSWER_TIMEOUT }
    }

    /// How often a command is repeated whose connection failed. A cluster's connections repeat by themselves.
    pub(crate) fn retries_max(&self) -> u32 {
        if self.endpoint.is_cluster { 0 } else { self.retries_max }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.endpoint.is_cluster
    }

    /// Opens a connection and checks that it answers.
    pub(crate) async fn connect(&self, password: Option<&str>) -> Result<Connection, Error> {
        let connect = async {
            let mut connection = match self.endpoint.is_cluster {
                true => Connection::Cluster(self.cluster(password).await?),
                false => Connection::Single(self.single(password).await?),
            };
            ping(&mut connection).await?;
            Ok(connection)
        };
        timeout(CONNECT_TIMEOUT, connect).await.unwrap_or(Err(Error::Timeout))
    }

    async fn single(&self, password: Option<&str>) -> RedisResult<MultiplexedConnection> {
        let address = self.endpoint.addresses.first();
        let address = address.ok_or((ErrorKind::InvalidClientConfig, "no address of Redis is set"))?;
        let info = self.info(address, password)?;
        let client = match &self.certificates {
            Some(certificates) => Client::build_with_tls(info, certificates.clone())?,
            None => Client::open(info)?,
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT))
            .set_pipeline_buffer_size(QUEUE_MAX);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        // A user may lack the permission.
        drop(redis::cmd("CLIENT").arg("SETNAME").arg(CLIENT_NAME).query_async::<()>(&mut connection).await);
        Ok(connection)
    }

    async fn cluster(&self, password: Option<&str>) -> RedisResult<ClusterConnection> {
        let infos: RedisResult<Vec<ConnectionInfo>> =
            self.endpoint.addresses.iter().map(|address| self.info(address, password)).collect();
        let (pause_min_ms, pause_max_ms) = CLUSTER_PAUSE_MS;
        let mut builder = ClusterClient::builder(infos?)
            .retries(self.retries_max)
            .min_retry_wait(pause_min_ms)
            .max_retry_wait(pause_max_ms)
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(ANSWER_TIMEOUT)
            .overall_response_timeout(Some(CLUSTER_TIMEOUT))
            .tcp_settings(tcp_settings());
        if let Some(certificates) = &self.certificates {
            builder = builder.certs(certificates.clone());
        }
        builder.build()?.get_async_connection().await
    }

    fn info(
        &self,
        HostPort { host, port }: &HostPort,
        password: Option<&str>,
    ) -> RedisResult<ConnectionInfo> {
        let (host, port) = (host.clone(), *port);
        let address = match self.endpoint.is_encrypted {
            true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            false => ConnectionAddr::Tcp(host, port),
        };
        let mut login = RedisConnectionInfo::default().set_db(i64::from(self.endpoint.database));
        if let Some(user) = &self.endpoint.user {
            login = login.set_username(user);
        }
        if let Some(password) = password {
            login = login.set_password(password);
        }
        Ok(address.into_connection_info()?.set_redis_settings(login).set_tcp_settings(tcp_settings()))
    }
}

/// Whether it answers.
pub(crate) async fn ping(connection: &mut Connection) -> RedisResult<()> {
    redis::cmd("PING").query_async(connection).await
}

fn tcp_settings() -> TcpSettings {
    TcpSettings::default().set_nodelay(true).set_user_timeout(UNACKNOWLEDGED_MAX)
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

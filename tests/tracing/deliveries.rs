//! One delivery from HTTP to the ledger: the request, the storing, the job and the posting.

use tests::database::Database;
use tests::events::AlpacaAccount;
use tests::providers::{Providers, now};

use crate::{accepting, logged_ids, one, spans_at_the_end, traced};

const PATH: &str = "/api/v1/webhooks/alpaca/nta";
const REQUEST: &str = "POST /api/v1/webhooks/alpaca/{kind}";

#[test]
fn a_delivery_is_traced_from_its_request_to_its_posting() {
    let (providers, directory) = (Providers::new(), tempfile::tempdir().unwrap());
    for database in [Database::sqlite_in(directory.path()), Database::on_postgres()] {
        let collector = accepting();
        let options = providers.options().set("DATABASE_URL", database.url());
        let mut server = traced(options, &collector, "always_on").start();
        let entry = AlpacaAccount::named("traced").entry(now(), "first", "CSD", "1000.00", "executed");
        let delivered = server.deliver(&providers.alpaca("nta", entry));
        assert_eq!(delivered.status, 200, "{delivered:?}");
        let event = delivered.json()["id"].as_str().unwrap().to_owned();
        server.wait_until("it is posted", |_| {
            collector.spans().iter().any(|span| span.name == "process webhook_events")
        });
        let exemplars = server.get("/metrics", &[("accept", "application/openmetrics-text")]).body;
        let spans = spans_at_the_end(&mut server, &collector);

        let request = one(&spans, REQUEST);
        assert_eq!(request.attributes["http.response.status_code"], 200);
        let ids = (request.trace_id.clone(), request.span_id.clone());
        assert_eq!(logged_ids(&server, PATH), [ids]);
        let line = exemplars
            .lines()
            .find(|line| line.contains("# {") && line.contains(REQUEST.trim_start_matches("POST ")));
        let exemplar = format!("# {{trace_id=\"{}\"}}", request.trace_id);
        assert!(line.is_some_and(|line| line.contains(&exemplar)), "{exemplar} is not in {line:?}");

        let stored = one(&spans, "store webhook_events");
        assert_eq!((stored.kind, &stored.parent_id), (4, &request.span_id));
        assert_eq!(stored.attributes["messaging.message.id"], event.as_str());

        // A trace of its own, because it may run hours later.
        let batch = one(&spans, "process webhook_events");
        let job = spans.iter().find(|span| span.parent_id == batch.span_id && span.kind == 5).unwrap();
        let link = (stored.trace_id.clone(), stored.span_id.clone());
        assert!(batch.trace_id != request.trace_id && batch.parent_id.is_empty());
        assert_eq!((&batch.links, &job.links), (&vec![link.clone()], &vec![link]));
        assert_eq!(job.attributes["messaging.message.id"], event.as_str());
        assert_eq!(job.attributes["investiq.outcome"], "processed");
        let posting = one(&spans, "post facts");
        assert_eq!(posting.parent_id, batch.span_id);
        let insert = one(&spans, "INSERT ledger_transactions");
        assert_eq!((&insert.parent_id, insert.kind), (&posting.span_id, 3));
        let system = if matches!(database, Database::Sqlite(_)) { "sqlite" } else { "postgresql" };
        assert_eq!(insert.attributes["db.system.name"], system);
        assert!(spans.iter().any(|span| span.name == "COMMIT" && span.trace_id == batch.trace_id));
    }
}

//! A mail server that accepts one user, by PLAIN, and no TLS.

use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Received, Receiver, SMTP_PASSWORD, alert_of, lock, notification};

pub(super) async fn serve(listener: TcpListener, state: Arc<Mutex<Received>>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(converse(stream, Arc::clone(&state)));
    }
}

async fn converse(stream: TcpStream, state: Arc<Mutex<Received>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut is_authenticated = false;
    stream.write_all(b"220 fake ESMTP\r\n").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end();
        let answer = match command.split(' ').next().unwrap_or_default() {
            "EHLO" => "250-fake\r\n250 AUTH PLAIN",
            "AUTH" => {
                let credentials =
                    STANDARD.decode(command.trim_start_matches("AUTH PLAIN ")).unwrap_or_default();
                is_authenticated = credentials.ends_with(format!("\0{SMTP_PASSWORD}").as_bytes());
                if is_authenticated { "235 ok" } else { "535 wrong password" }
            }
            "QUIT" => "221 bye",
            _ if !is_authenticated => "530 authentication required",
            "MAIL" | "RCPT" => "250 ok",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let message = read_message(&mut stream).await?;
                receive(&state, &message);
                "250 ok"
            }
            _ => "502 unknown command",
        };
        if answer.starts_with('5') {
            lock(&state).refusals.push(format!("{answer}: {command}"));
        }
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn read_message(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut message = String::new();
    while !message.ends_with("\r\n.\r\n") {
        if stream.read_line(&mut message).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(message)
}

fn receive(state: &Mutex<Received>, message: &str) {
    let subject = message.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default();
    let mut state = lock(state);
    match alert_of(subject) {
        Ok(alert) => {
            let is_firing = subject.contains("[FIRING");
            state.notifications.push(notification(Receiver::Mail, is_firing, &alert, message.to_owned()));
        }
        Err(fault) => state.refusals.push(fault),
    }
}

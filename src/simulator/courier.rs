//! Carries notifications to the merchant's URL: three tries each, then the log is all that remains of it.

use std::time::Duration;

use reqwest::Url;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::notify::Notification;
use super::pause::pause;

/// What to wait before the second and the third try. DOKU waits half an hour and more (`doku-api.md` 3.3).
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// How long the merchant may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts the courier. It ends when the sender is dropped and everything is delivered or given up.
pub(super) fn start(url: Url) -> Result<(UnboundedSender<Notification>, JoinHandle<()>), reqwest::Error> {
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build()?;
    let (sender, receiver) = unbounded_channel();
    Ok((sender, tokio::spawn(carry(client, url, receiver))))
}

async fn carry(client: reqwest::Client, url: Url, mut notifications: UnboundedReceiver<Notification>) {
    while let Some(notification) = notifications.recv().await {
        let mut waits = WAITS.into_iter();
        while !deliver(&client, &url, &notification).await {
            let Some(wait) = waits.next() else { break };
            pause(wait).await;
        }
    }
}

/// Whether the merchant took it: any 2xx (`doku-api.md` 3.3).
async fn deliver(client: &reqwest::Client, url: &Url, notification: &Notification) -> bool {
    let mut request = client.post(url.clone()).header("Content-Type", "application/json");
    for (name, value) in notification.headers.lines() {
        request = request.header(name, value);
    }
    let answer = request.body(notification.body.clone()).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

//! Carries notifications to the merchant's URL, each as often as DOKU does; then the log is all that remains of it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, JoinSet};

use super::notify::Notification;
use super::pause::pause;

/// What DOKU waits before the second, the third and the fourth try: it sends again half an hour, six hours and twelve hours after
/// the first (`doku-api.md` 3.3, the column on the right).
const WAITS: [Duration; 3] =
    [Duration::from_secs(30 * 60), Duration::from_secs(5 * 3600 + 30 * 60), Duration::from_secs(6 * 3600)];

/// How long the merchant may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many are under way at a time; those that wait for another try do not count.
const AT_A_TIME: usize = 32;

/// Starts the courier, who waits so many times shorter than DOKU. It ends when the sender is dropped and everything is delivered or given up.
pub(super) fn start(
    url: Url,
    hurry: NonZeroU32,
) -> Result<(UnboundedSender<Notification>, JoinHandle<()>), reqwest::Error> {
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build()?;
    let (sender, receiver) = unbounded_channel();
    Ok((sender, tokio::spawn(carry(client, url, hurry, receiver))))
}

async fn carry(
    client: reqwest::Client,
    url: Url,
    hurry: NonZeroU32,
    mut notifications: UnboundedReceiver<Notification>,
) {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut errands = JoinSet::new();
    while let Some(notification) = notifications.recv().await {
        while errands.try_join_next().is_some() {}
        let (client, url, places) = (client.clone(), url.clone(), Arc::clone(&places));
        errands.spawn(async move {
            let mut waits = WAITS.into_iter();
            loop {
                let place = places.acquire().await.expect("nobody closes it");
                let taken = deliver(&client, &url, &notification).await;
                drop(place);
                match waits.next() {
                    Some(wait) if !taken => pause(wait / hurry.get()).await,
                    _ => return,
                }
            }
        });
    }
    while errands.join_next().await.is_some() {}
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

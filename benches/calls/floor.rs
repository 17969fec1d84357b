//! The two halves of a durable call, each without the other: the program's HTTP client without a journal, and SQLite without
//! calls. Whoever makes the same calls durable with them takes as much as both together, and then something of its own.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rekon::doku::answer::{PaymentPage, read};
use rekon::doku::exchange::{Request, target};
use rekon::doku::refund;
use rekon::doku::sign::Signer;
use rekon::edge::clock::SystemClock;
use rekon::edge::http::HttpGateway;
use rekon::edge::runtime;
use rekon::journal::Account;
use rekon::journal::identity::Identity;
use rekon::model::environment::Environment;
use rekon::model::ids::{ClientId, Identifier, InvoiceNumber, MerchantReference};
use rekon::model::money::Rupiah;
use rekon::model::operation::Operation;
use rekon::model::outcome::Outcome;
use rekon::model::secret::Secret;
use rekon::runner::clock::Clock as _;
use rekon::runner::gateway::Gateway as _;
use rusqlite::{Connection, params};

use super::server::{AMOUNT, CLIENT_ID, SECRET_KEY};

/// Sends `orders` refunds, `connections` at a time, each signed and each answer read, and writes nothing down. Prints how many
/// succeeded.
pub(crate) fn client(url: &str, orders: u64, connections: u64) -> io::Result<()> {
    let at_once = usize::try_from(connections).map_err(io::Error::other)?;
    let gateway = HttpGateway::new(url, Duration::from_secs(30), at_once).map_err(io::Error::other)?;
    let signer = Signer::new(&Secret::new(SECRET_KEY));
    let succeeded = runtime::calling(async move {
        let lanes = (0..connections).map(|lane| {
            let (gateway, signer) = (gateway.clone(), signer.clone());
            tokio::spawn(async move {
                let mut succeeded = 0_u64;
                for number in (lane..orders).step_by(at_once) {
                    succeeded += u64::from(refunds(&gateway, &signer, number).await);
                }
                succeeded
            })
        });
        let mut succeeded = 0;
        for lane in lanes.collect::<Vec<_>>() {
            succeeded += lane.await.map_err(io::Error::other)?;
        }
        io::Result::Ok(succeeded)
    })??;
    println!("{{\"succeeded\": {succeeded}}}");
    Ok(())
}

/// Whether the refund of an order is proved to be done.
async fn refunds(gateway: &HttpGateway, signer: &Signer, number: u64) -> bool {
    let fine = "a name of the benchmark is one";
    let client_id = ClientId::new(CLIENT_ID).expect(fine);
    let account = Account { environment: Environment::Simulator, client_id, operation: Operation::Refund };
    let invoice = InvoiceNumber::new(&format!("INV-20261122-{number:07}")).expect(fine);
    let identity = Identity { account, invoice, generation: 0 };
    let payment_reference = MerchantReference::new(&format!("MUR-20261122-{number:07}")).expect(fine);
    let order_id = Identifier::new(&format!("10000{number:07}")).expect(fine);
    let akulaku = Identifier::new(&format!("MCH-0001-10791114622547MUR-20261122-{number:07}")).expect(fine);
    let (request_id, refund_reference) = (identity.request_id(), identity.refund_reference());
    let body = refund::body(&identity.invoice, &payment_reference, &order_id, &akulaku, &refund_reference);
    let now = SystemClock.now();
    let path = target(Operation::Refund);
    let request = Request::sign(signer, &identity.account.client_id, &request_id, now, path, Some(body));
    let exchange = gateway.exchange(request).await;
    let expected = rekon::doku::answer::Expected {
        operation: Operation::Refund,
        client_id: &identity.account.client_id,
        request_id: &request_id,
        invoice: &identity.invoice,
        amount: Rupiah::new(AMOUNT),
        payment_reference: &payment_reference,
        refund_reference: Some(&refund_reference),
        first_intent_at: now,
        page: PaymentPage::Loopback,
    };
    read(&expected, signer, &exchange, now).outcome == Outcome::Applied
}

/// So many calls share a commit when rekon makes 64 at once.
const GROUP: u64 = 20;

/// Writes for each of `orders` calls as many bytes as rekon does, into as few tables as can be: one row with its intent, under
/// a unique text, and one row with its outcome. Each commit has the intents of a group and the outcomes of the one before.
/// Prints how many calls and how long it took.
#[expect(clippy::disallowed_methods, reason = "this is what measures")]
pub(crate) fn sqlite(folder: &Path, orders: u64) -> Result<(), Box<dyn std::error::Error>> {
    let file = folder.join("floor.db");
    for name in ["floor.db", "floor.db-wal", "floor.db-shm"] {
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; \
         CREATE TABLE intent (id INTEGER PRIMARY KEY, invoice TEXT NOT NULL UNIQUE, data BLOB NOT NULL) STRICT; \
         CREATE TABLE outcome (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;",
    )?;
    let (intent, outcome) = (vec![b'i'; 1_550], vec![b'o'; 1_650]);
    let began = Instant::now();
    for first in (0..orders + GROUP).step_by(usize::try_from(GROUP)?) {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for number in first..(first + GROUP).min(orders) {
            connection
                .prepare_cached("INSERT INTO intent (invoice, data) VALUES (?1, ?2)")?
                .execute(params![format!("INV-20261122-{number:07}"), intent])?;
        }
        for _ in first.saturating_sub(GROUP)..first.min(orders) {
            connection.prepare_cached("INSERT INTO outcome (data) VALUES (?1)")?.execute(params![outcome])?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
    }
    let took = began.elapsed().as_nanos();
    let written: i64 = connection.query_row("SELECT count(*) FROM outcome", [], |row| row.get(0))?;
    println!("{{\"succeeded\": {written}, \"nanoseconds\": {took}}}");
    Ok(())
}

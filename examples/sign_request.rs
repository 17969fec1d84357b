//! Signs the refund of the guide's sample and prints it as a `curl` command.
//!
//! `cargo run --example sign_request`. With the simulator's keys; nothing is sent. One buffer is written, hashed,
//! signed and shown: a body that is written a second time may differ from the one that was signed.

#![expect(clippy::print_stdout, reason = "an example shows what it has made")]

use std::error::Error;

use rekon::doku::exchange::{Request, target};
use rekon::doku::refund;
use rekon::doku::sign::{Signer, digest};
use rekon::journal::Account;
use rekon::journal::identity::Identity;
use rekon::model::environment::Environment;
use rekon::model::ids::{ClientId, Identifier, InvoiceNumber, MerchantReference};
use rekon::model::operation::Operation;
use rekon::model::secret::Secret;
use rekon::model::time::parse_instant;
use rekon::simulator::{CLIENT_ID, SECRET_KEY};

fn main() -> Result<(), Box<dyn Error>> {
    let client_id = ClientId::new(CLIENT_ID)?;
    let invoice = InvoiceNumber::new("invoice-00000101123")?;

    // Request-Id and refund reference follow from what is refunded: whoever asks again asks under the same name.
    let account =
        Account { environment: Environment::Simulator, client_id: client_id.clone(), operation: Operation::Refund };
    let identity = Identity { account, invoice: invoice.clone(), generation: 0 };

    let body = refund::body(
        &invoice,
        &MerchantReference::new("REFUND-ABC-0001045")?,
        &Identifier::new("1000043205")?,
        &Identifier::new("MCH-0001-10791114622547REFUND-ABC-0001045")?,
        &identity.refund_reference(),
    );

    // A fixed time, so that the example prints the same every time; DOKU wants the present.
    let now = parse_instant("2026-11-21T18:02:11Z").ok_or("not a time")?;
    let signer = Signer::new(&Secret::new(SECRET_KEY));
    let path = target(Operation::Refund);
    let request = Request::sign(&signer, &client_id, &identity.request_id(), now, path, Some(body));

    let body = request.body.as_deref().unwrap_or_default();
    println!("# digest of the body, part of what is signed: {}", digest(body));
    println!("curl http://127.0.0.1:9090{} \\", request.target);
    println!("  -H 'Content-Type: application/json' \\");
    for (name, value) in &request.headers {
        println!("  -H '{name}: {value}' \\");
    }
    println!("  --data-binary '{}'", str::from_utf8(body)?);
    Ok(())
}

//! Waiting: a simulator lives in real time, whatever its clock says.

use std::time::Duration;

/// Waits. A simulator lives in real time, whatever its clock says.
pub(super) async fn pause(span: Duration) {
    tokio::time::timeout(span, std::future::pending::<()>()).await.ok();
}

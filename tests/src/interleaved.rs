//! Several concurrent callers on one table. Each yields to the others before and after every call, and a seed decides
//! who continues.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use prism_functions::domain::Timestamp;
use prism_functions::operations::Service;
use prism_functions::ports::{Clock, Item, Key, Page, Query, Table, TableError, Write};
use prism_functions::registry::Registry;

use crate::world::World;

/// A table whose callers yield before and after each call.
pub struct Yielding(pub Arc<dyn Table>);

impl std::fmt::Debug for Yielding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Yielding")
    }
}

/// A clock on which whoever sleeps only yields: no time passes while callers are interleaved.
pub struct Sleepless(pub Arc<dyn Clock>);

impl std::fmt::Debug for Sleepless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sleepless")
    }
}

impl Clock for Sleepless {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(give_way())
    }
}

/// The service of a world, on a [`Yielding`] table.
pub fn yielding(world: &World) -> Service {
    let mut service = world.service.clone();
    service.env.clock = Arc::new(Sleepless(service.env.clock));
    let table = Yielding(Arc::clone(&world.table) as _);
    service.env.registry = Registry::new(Arc::new(table));
    service
}

pub async fn give_way() {
    let mut asked = false;
    poll_fn(|context| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl Table for Yielding {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        give_way().await;
        let got = self.0.get(key).await;
        give_way().await;
        got
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        give_way().await;
        let page = self.0.query(query).await;
        give_way().await;
        page
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        give_way().await;
        let done = self.0.transact(writes).await;
        give_way().await;
        done
    }
}

pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Polls all futures to completion, in an order that the seed decides. The results are in the order of `calls`.
pub fn interleave<T>(calls: Vec<Doing<'_, T>>, rng: &mut fastrand::Rng) -> Vec<T> {
    let mut context = Context::from_waker(Waker::noop());
    let mut ends: Vec<Option<T>> = calls.iter().map(|_| None).collect();
    let mut open: Vec<_> = calls.into_iter().enumerate().collect();
    while !open.is_empty() {
        let at = rng.usize(..open.len());
        let (place, call) = &mut open[at];
        if let Poll::Ready(end) = call.as_mut().poll(&mut context) {
            ends[*place] = Some(end);
            drop(open.swap_remove(at));
        }
    }
    ends.into_iter().flatten().collect()
}

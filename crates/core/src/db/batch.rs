//! One operation over many asks: for a row that everybody wants, one guarded write for each group
//! instead of one for each ask.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{Db, Tx, sqlite::writer::GROUP};
use crate::outcome::{Code, Error, Result, refuse};

/// An outcome for each ask, in their order.
pub type Outcomes<T> = Result<Vec<Result<T>>>;

type Waiting<A, T> = (A, oneshot::Sender<Result<T>>);

/// A queue in front of one operation. Asks that come while a group is being written form the next one.
/// Cheap to clone; it ends with its last handle.
pub struct Batch<A, T>(mpsc::Sender<Waiting<A, T>>);

impl<A, T> Clone for Batch<A, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A, T> Batch<A, T>
where
    A: Clone + Send + Sync + 'static,
    T: Send + 'static,
{
    /// Puts one ask into the next group; the answer comes once the group is durable.
    ///
    /// # Errors
    /// What the operation said of this ask; a fault when the group could not be written.
    pub async fn ask(&self, ask: A) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        self.0.send((ask, answer)).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

fn stopped() -> Error {
    Error::fault("the batch has stopped")
}

impl Db {
    /// Makes a queue in front of `op`, which sees up to 64 asks at once and says an outcome for each. A
    /// refusal of one ask does not undo what was written for it or for others: look before writing. An
    /// operation that cannot go on like this answers with an error; then each ask is run by itself.
    ///
    /// Needs a tokio runtime, where the queue is worked off.
    pub fn batch<A, T, F>(&self, name: &'static str, op: F) -> Batch<A, T>
    where
        A: Clone + Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t [A]) -> BoxFuture<'t, Outcomes<T>> + Send + Sync + 'static,
    {
        let (queue, mut asks) = mpsc::channel::<Waiting<A, T>>(GROUP * 4);
        let (db, op) = (self.clone(), Arc::new(op));
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP);
            while asks.recv_many(&mut group, GROUP).await > 0 {
                let (asks, answers): (Vec<A>, Vec<_>) = group.drain(..).unzip();
                for (answer, outcome) in answers.into_iter().zip(db.run_group(name, asks, &op).await) {
                    let _ = answer.send(outcome);
                }
            }
        });
        Batch(queue)
    }

    async fn run_group<A, T, F>(&self, name: &'static str, asks: Vec<A>, op: &Arc<F>) -> Vec<Result<T>>
    where
        A: Clone + Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t [A]) -> BoxFuture<'t, Outcomes<T>> + Send + Sync + 'static,
    {
        if asks.len() > 1 {
            match self.run_together(name, asks.clone(), op).await {
                Ok(outcomes) => return outcomes,
                Err(Error::Fault(fault)) if fault.is_unavailable() => {
                    return asks.iter().map(|_| refuse(Code::Unavailable)).collect();
                }
                Err(_) => {}
            }
        }
        let mut outcomes = Vec::with_capacity(asks.len());
        for ask in asks {
            let alone = self.run_together(name, vec![ask], op).await;
            outcomes.push(alone.and_then(|mut one| one.pop().ok_or_else(stopped)?));
        }
        outcomes
    }

    async fn run_together<A, T, F>(&self, name: &'static str, asks: Vec<A>, op: &Arc<F>) -> Outcomes<T>
    where
        A: Clone + Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t [A]) -> BoxFuture<'t, Outcomes<T>> + Send + Sync + 'static,
    {
        let (op, asked) = (Arc::clone(op), asks.len());
        let outcomes = self.write(name, asks, move |tx, asks| op(tx, asks)).await?;
        if outcomes.len() == asked {
            Ok(outcomes)
        } else {
            Err(Error::fault("a batch must say an outcome for each ask").during(name))
        }
    }
}

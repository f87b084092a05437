//! Generating text as an iterator.

use std::ffi::{c_char, c_int, c_void};
use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::error::check;
use crate::session::SessionHandle;
use crate::{Error, Generate, Generated, Result, Session, Status};

/// The pieces of text of a generation, as an iterator.
///
/// The generation runs on a thread of its own, which makes the next piece only when it is asked for: the session
/// never has more tokens than the iterator has told. That costs two switches between threads a piece over the callback of
/// [`Session::generate`]. Dropping it ends the generation, and the session can be used again.
///
/// The thread has the session's handle meanwhile, so that a stream which is forgotten instead of dropped leaves a
/// session that answers [`Status::Busy`], and nothing worse.
pub struct Stream<'s> {
    session: &'s mut Session,
    /// Asks for the next piece. None when there is none to come.
    go_on: Option<SyncSender<()>>,
    pieces: Receiver<String>,
    thread: Option<JoinHandle<(SessionHandle, Result<Generated>)>>,
    /// How it ended, when it has and nobody was told yet.
    end: Option<Result<Generated>>,
}

impl Session {
    /// Run the prompt and generate text behind it, a piece for each `next()`. The prompt is run in the first one.
    ///
    /// ```
    /// # let model = libquant::Model::open(libquant::doc_model())?;
    /// use libquant::{Generate, Stop};
    ///
    /// let mut session = model.session()?;
    /// let mut stream = session.stream(&Generate::new("In the beginning").max_tokens(20).greedy())?;
    /// for piece in stream.by_ref().take(3) {
    ///     print!("{}", piece?);
    /// }
    /// assert_eq!(stream.finish()?.stop, Stop::Caller);
    /// # Ok::<(), libquant::Error>(())
    /// ```
    pub fn stream(&mut self, ask: &Generate) -> Result<Stream<'_>> {
        let ask = ask.clone();
        let handle = self.take()?;
        let (go_on, asked) = sync_channel(1);
        let (told, pieces) = sync_channel(1);
        // The handle follows when there is a thread: if none can be had, the session keeps it.
        let (give, given) = sync_channel::<SessionHandle>(1);
        let spawned = Builder::new().name("quant-stream".into()).spawn(move || {
            let mut handle = given.recv().expect("it is sent at once");
            let made = run(&mut handle, &ask, asked, told);
            (handle, made)
        });
        match spawned {
            Ok(thread) => {
                give.send(handle).expect("the thread waits for it");
                Ok(Stream { session: self, go_on: Some(go_on), pieces, thread: Some(thread), end: None })
            }
            Err(error) => {
                self.put_back(handle);
                Err(Error::new(Status::NoMemory, format!("stream: no thread can be had: {error}")))
            }
        }
    }
}

/// The generation, on the stream's thread.
fn run(
    handle: &mut SessionHandle,
    ask: &Generate,
    asked: Receiver<()>,
    told: SyncSender<String>,
) -> Result<Generated> {
    let mut ends = Ends { asked, told };
    // Dropped before its first piece was asked for: the prompt is not run at all.
    if ends.asked.recv().is_err() {
        return Err(Error::new(Status::Cancelled, "stream: dropped before its first piece"));
    }
    // SAFETY: the handle is this thread's, and the callback is that of `ends`, which lives here.
    let (status, made) = unsafe { ask.call(handle.raw(), Some(on_text), None, (&raw mut ends).cast()) };
    check(status)?;
    Ok(made)
}

/// The thread's ends of both channels.
struct Ends {
    asked: Receiver<()>,
    told: SyncSender<String>,
}

unsafe extern "C" fn on_text(user: *mut c_void, text: *const c_char, bytes: usize) -> c_int {
    // SAFETY: `user` is the Ends of run(), on the same thread; so many bytes are there for the call.
    let (ends, text) =
        unsafe { (&*user.cast::<Ends>(), std::slice::from_raw_parts(text.cast::<u8>(), bytes)) };
    let text = String::from_utf8_lossy(text).into_owned();
    (ends.told.send(text).is_err() || ends.asked.recv().is_err()).into()
}

impl Stream<'_> {
    /// End it, if it has not ended, and have what it took. Cancelled where no piece was ever asked for, since then
    /// nothing was run; the error if it failed and `next()` has not told.
    pub fn finish(mut self) -> Result<Generated> {
        self.join();
        self.end.take().unwrap_or_else(|| {
            Err(Error::new(Status::Cancelled, "stream: it has failed, and its iterator has given the error"))
        })
    }

    /// Stop the thread, and have the session's handle back.
    fn join(&mut self) {
        self.go_on = None;
        let Some(thread) = self.thread.take() else { return };
        // The thread may be about to offer a piece: the channel has room for one.
        match thread.join() {
            Ok((handle, made)) => {
                self.session.put_back(handle);
                self.end = Some(made);
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Iterator for Stream<'_> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        // No more to ask: it has ended.
        let asked = self.go_on.as_ref()?.send(());
        if asked.is_ok() {
            if let Ok(piece) = self.pieces.recv() {
                return Some(Ok(piece));
            }
        }
        self.join();
        match self.end.take() {
            Some(Err(error)) => Some(Err(error)),
            made => {
                self.end = made;
                None
            }
        }
    }
}

impl std::iter::FusedIterator for Stream<'_> {}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        self.join();
    }
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("ended", &self.thread.is_none()).finish()
    }
}

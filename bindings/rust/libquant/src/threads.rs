//! Which types threads may move and share, checked when this is compiled: what the C headers say, and no more.

use crate::*;

const fn send<T: Send>() {}
const fn sync<T: Sync>() {}

const _: () = {
    // Immutable: any thread, also at the same time.
    send::<Model>();
    sync::<Model>();
    send::<Tokenizer>();
    sync::<Tokenizer>();
    send::<Embeddings>();
    sync::<Embeddings>();
    // One thread at a time.
    send::<Session>();
    send::<Plan>();
    send::<Catalog>();
    send::<Stream<'static>>();
    // What goes from thread to thread with errors and options.
    send::<Error>();
    sync::<Error>();
    send::<Generate>();
    sync::<Generate>();
};

/// Does not compile for a type that is Sync: which of both `place`s is meant would be unclear.
macro_rules! not_sync {
    ($($type:ty),*) => {$(
        const _: fn() = || {
            trait Place<A> {
                fn place() {}
            }
            struct Shared;
            impl<T: ?Sized> Place<()> for T {}
            impl<T: ?Sized + Sync> Place<Shared> for T {}
            <$type as Place<_>>::place()
        };
    )*};
}

not_sync!(Session, Plan, Catalog, Stream<'static>);

using System;
using System.Runtime.InteropServices;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>
    /// An object of the native part: released by Dispose(), else when nobody refers to it any more; while a call is at work
    /// on it, by the end of that call.
    /// </summary>
    internal sealed class NativeHandle<T> : SafeHandle where T : class, IDisposable
    {
        private readonly T made_;

        internal NativeHandle(T made) : base(IntPtr.Zero, true)
        {
            made_ = made;
            SetHandle(new IntPtr(1)); // It is the object that is held, whose pointer is its own business.
        }

        public override bool IsInvalid => handle == IntPtr.Zero;

        protected override bool ReleaseHandle()
        {
            made_.Dispose();
            return true;
        }

        /// <summary>The object, for as long as body runs.</summary>
        internal R With<R>(string what, Func<T, R> body)
        {
            bool taken = false;
            try
            {
                if (IsClosed) throw new ObjectDisposedException(what);
                try { DangerousAddRef(ref taken); }
                catch (ObjectDisposedException) { throw new ObjectDisposedException(what); }
                return body(made_);
            }
            finally
            {
                if (taken) DangerousRelease();
            }
        }
    }

    /// <summary>What all objects with native memory have in common. Use of a disposed one is an
    /// ObjectDisposedException.</summary>
    public abstract class Handle : IDisposable
    {
        internal Handle() { }

        /// <summary>Releases it; twice does nothing.</summary>
        public abstract void Dispose();
    }

    /// <summary>One of a kind of native object.</summary>
    internal sealed class Held<T> where T : class, IDisposable
    {
        private readonly NativeHandle<T> handle_;
        private readonly string what_;

        internal Held(T made, string what)
        {
            handle_ = new NativeHandle<T>(made);
            what_ = what;
        }

        internal R With<R>(Func<T, R> body) => handle_.With(what_, body);

        internal R Call<R>(Func<T, Outcome, R> body) => With(made => LibQuant.Call.Of(outcome => body(made, outcome)));

        internal R Call<R>(Func<ProgressReport, bool> progress, Func<T, ProgressSink, Outcome, R> body) =>
            With(made => LibQuant.Call.Of(progress, (sink, outcome) => body(made, sink, outcome)));

        internal void Dispose() => handle_.Dispose();
    }
}

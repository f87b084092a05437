using System;
using System.Collections.Generic;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>Between the scheduler's thread and the callbacks of a request.</summary>
    internal sealed class RequestRelay : RequestSink
    {
        [ThreadStatic]
        private static bool callback_;

        private readonly LiveRequests all_;
        private readonly Action<string, int> text_;
        private readonly Action<Generation, Exception> ended_;
        private volatile Action<long> cancel_;
        private volatile Exception failure_;
        private long id_;

        internal RequestRelay(LiveRequests all, Action<string, int> text, Action<Generation, Exception> ended,
            Action<long> cancel)
        {
            all_ = all;
            text_ = text;
            ended_ = ended;
            cancel_ = cancel;
        }

        /// <summary>Whether this thread is a scheduler's, at work for a callback.</summary>
        internal static bool IsCallback => callback_;

        /// <summary>Its number, which may come later than its first events, and than its end.</summary>
        internal void Known(long id)
        {
            lock (this) id_ = id;
            if (failure_ != null) CancelRequest(id);
        }

        public override void on_event(IntPtr text, ulong bytes, int token)
        {
            if (failure_ != null) return;
            callback_ = true;
            try { text_?.Invoke(Block.StringOf(text, bytes), token); }
            catch (Exception thrown) { Fail(thrown); }
            finally { callback_ = false; }
        }

        private void Fail(Exception thrown)
        {
            failure_ = thrown;
            long id;
            lock (this) id = id_;
            if (id != 0) CancelRequest(id);
        }

        /// <summary>Nothing where the request has ended, or its scheduler is being disposed of, which cancels all there
        /// is.</summary>
        private void CancelRequest(long id)
        {
            try { cancel_?.Invoke(id); }
            catch (ObjectDisposedException) { }
        }

        public override void on_end(int status, byte[] message, quant_generate_result result)
        {
            callback_ = true;
            try
            {
                Exception why = failure_ ?? (status == 0 ? null : QuantException.Of(status, message));
                ended_?.Invoke(new Generation(result), why);
            }
            catch (Exception) { /* The request has ended, and the thread is the scheduler's. */ }
            finally
            {
                callback_ = false;
                cancel_ = null; // It refers to the scheduler.
                all_.Ended(this);
            }
        }
    }

    /// <summary>The relays of a scheduler, which must live until their requests have ended: also where nobody refers to the
    /// scheduler any more.</summary>
    internal sealed class LiveRequests
    {
        private static readonly HashSet<LiveRequests> Rooted = new HashSet<LiveRequests>();

        private readonly HashSet<RequestRelay> live_ = new HashSet<RequestRelay>();
        private readonly List<RequestRelay> ended_ = new List<RequestRelay>();

        internal RequestRelay Add(Action<string, int> text, Action<Generation, Exception> ended, Action<long> cancel)
        {
            var relay = new RequestRelay(this, text, ended, cancel);
            lock (live_)
            {
                live_.Add(relay);
                lock (Rooted) Rooted.Add(this);
            }
            return relay;
        }

        internal void Forget(RequestRelay relay)
        {
            lock (live_) Remove(relay);
            relay.Dispose();
        }

        /// <summary>Its native part is still at work under this call; those of requests that ended before are not.</summary>
        internal void Ended(RequestRelay relay)
        {
            lock (live_)
            {
                Release();
                Remove(relay);
                ended_.Add(relay);
            }
        }

        private void Remove(RequestRelay relay)
        {
            live_.Remove(relay);
            if (live_.Count > 0) return;
            lock (Rooted) Rooted.Remove(this);
        }

        internal void Release()
        {
            lock (live_)
            {
                foreach (RequestRelay relay in ended_) relay.Dispose();
                ended_.Clear();
            }
        }
    }
}

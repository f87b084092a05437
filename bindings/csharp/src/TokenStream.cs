using System;
using System.Collections.Generic;
using System.Threading;

namespace LibQuant
{
    /// <summary>Pieces of text from a thread that generates them to one that reads them. The writer waits when it is a few
    /// ahead, so that a reader that stops early has not paid for much more than it read.</summary>
    internal sealed class TokenStream : IDisposable
    {
        private const int Ahead = 8;

        private readonly Queue<string> queue_ = new Queue<string>();
        private readonly Thread writer_;
        private readonly Action changed_;
        private bool stopped_, ended_;
        private Exception failure_;

        /// <summary>generation gets where its pieces go, and who tells whether more are wanted: reading a long prompt takes
        /// time as well. ended runs when it has ended, before the reader sees the end; changed, which may be null, in the
        /// writer's thread where there may be more to take.</summary>
        internal TokenStream(Action<Func<string, bool>, Func<bool>> generation, Action ended, Action changed = null)
        {
            changed_ = changed;
            writer_ = new Thread(() => Write(generation, ended)) { IsBackground = true, Name = "libquant-stream" };
            writer_.Start();
        }

        private void Write(Action<Func<string, bool>, Func<bool>> generation, Action ended)
        {
            Exception failure = null;
            try { generation(Put, Wanted); }
            catch (Exception thrown) { failure = thrown; }
            ended();
            lock (queue_)
            {
                failure_ = failure;
                ended_ = true;
                Monitor.PulseAll(queue_);
            }
            changed_?.Invoke();
        }

        private bool Put(string piece)
        {
            bool more;
            lock (queue_)
            {
                while (queue_.Count >= Ahead && !stopped_) Monitor.Wait(queue_);
                queue_.Enqueue(piece);
                more = !stopped_;
                Monitor.PulseAll(queue_);
            }
            changed_?.Invoke();
            return more;
        }

        private bool Wanted()
        {
            lock (queue_) return !stopped_;
        }

        /// <summary>Waits for the next piece; false at the end.</summary>
        internal bool TryTake(out string piece)
        {
            lock (queue_)
            {
                while (queue_.Count == 0 && !ended_) Monitor.Wait(queue_);
                return Take(out piece);
            }
        }

        /// <summary>Takes a piece where there is one. waits: there will be more, but not yet.</summary>
        internal bool TryTakeNow(out string piece, out bool waits)
        {
            lock (queue_)
            {
                waits = queue_.Count == 0 && !ended_;
                piece = null;
                return !waits && Take(out piece);
            }
        }

        private bool Take(out string piece)
        {
            bool there = queue_.Count > 0;
            piece = there ? queue_.Dequeue() : null;
            Monitor.PulseAll(queue_);
            Exception failure = there ? null : failure_;
            if (failure != null) failure_ = null;
            Call.Rethrow(failure);
            return there;
        }

        /// <summary>Stops the writer, whose next piece is its last, and waits for it.</summary>
        public void Dispose()
        {
            lock (queue_)
            {
                stopped_ = true;
                Monitor.PulseAll(queue_);
            }
            writer_.Join();
        }
    }
}

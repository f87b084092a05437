using System;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>Runs many generations on one model at a time. May be used by several threads.</summary>
    public sealed class Scheduler : Handle
    {
        private readonly Held<NativeScheduler> held_;
        private readonly LiveRequests requests_;

        private Scheduler(NativeScheduler made)
        {
            held_ = new Held<NativeScheduler>(made, nameof(Scheduler));
            requests_ = new LiveRequests();
        }

        internal static Scheduler Open(NativeModel model, SchedulerOptions options)
        {
            using (var how = new quant_scheduler_options())
            {
                options.Fill(how);
                return new Scheduler(Call.Of(outcome => NativeScheduler.open(model, how, outcome)));
            }
        }

        /// <summary>Puts a request in the queue; its number. text gets pieces and tokens (-1: none), ended what it took and
        /// null or what went wrong, both in the scheduler's thread, which waits for them: pass on and return. They may submit,
        /// cancel and pause, but not dispose of the scheduler. What text throws cancels the request, which ends with
        /// that.</summary>
        public long Submit(Request request, Action<string, int> text, Action<Generation, Exception> ended)
        {
            RequestRelay relay = requests_.Add(text, ended, Cancel);
            try
            {
                using (NativeRequest what = request.ToNative())
                using (var sampling = new quant_sampling())
                {
                    request.Sampling?.Fill(sampling);
                    var id = (long)held_.Call((scheduler, outcome) => scheduler.submit(what, sampling, relay, outcome));
                    relay.Known(id);
                    return id;
                }
            }
            catch
            {
                requests_.Forget(relay);
                throw;
            }
        }

        /// <summary>Puts a request in the queue, whose text is wanted as a whole.</summary>
        public async Task<string> SubmitAsync(Request request, CancellationToken cancellation = default(CancellationToken))
        {
            var done = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            var text = new StringBuilder();
            long id = Submit(request, (piece, token) => text.Append(piece), (took, failure) =>
            {
                if (failure == null) done.TrySetResult(text.ToString());
                else if (cancellation.IsCancellationRequested) done.TrySetCanceled();
                else done.TrySetException(failure);
            });
            using (cancellation.Register(() => Cancel(id))) return await done.Task.ConfigureAwait(false);
        }

        /// <summary>Ends a request before its next token; nothing where it has ended.</summary>
        public void Cancel(long id) => held_.With(scheduler =>
        {
            scheduler.cancel((ulong)id);
            return 0;
        });

        /// <summary>Makes no more tokens for a request whose reader does not keep up, or goes on.</summary>
        public void Pause(long id, bool paused) => held_.With(scheduler =>
        {
            scheduler.pause((ulong)id, paused);
            return 0;
        });

        /// <summary>What it does and has done.</summary>
        public SchedulerStatistics Statistics() => held_.Call((scheduler, outcome) =>
            Call.Read(scheduler.statistics(outcome), outcome, now => new SchedulerStatistics(now)));

        /// <summary>Cancels what it has, which is told so before this returns. Not from a callback of it.</summary>
        public override void Dispose()
        {
            if (RequestRelay.IsCallback)
                throw new InvalidOperationException("a Scheduler is not disposed of by its callback, for which it would wait");
            held_.Dispose();
            requests_.Release();
        }
    }
}

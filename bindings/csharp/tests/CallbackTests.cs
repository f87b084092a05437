using System;
using System.Collections.Concurrent;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace LibQuant.Tests
{
    internal static class CallbackTests
    {
        private static Prompt Beginning() => new Prompt("In the beginning") { MaxTokens = 24 }.Greedy();

        internal static void SeveralThreadsStopFromTheirCallbacks()
        {
            using (Model model = Model.Open(Fixture.Q8))
            {
                var texts = new string[60];
                Thread[] threads = Enumerable.Range(0, 6).Select(t => new Thread(() =>
                {
                    for (int i = t; i < texts.Length; i += 6) texts[i] = Generate(model, 1 + i % 7);
                })).ToArray();
                foreach (Thread one in threads) one.Start();
                foreach (Thread one in threads) one.Join();
                string longest = Generate(model, 7);
                foreach (string text in texts) Check.True(longest.StartsWith(text, StringComparison.Ordinal), text);
            }
        }

        private static string Generate(Model model, int stopAfter)
        {
            var text = new StringBuilder();
            int pieces = 0;
            using (Session session = model.Session())
            {
                Generation took = session.Generate(Beginning(), piece =>
                {
                    text.Append(piece);
                    return ++pieces < stopAfter;
                });
                Check.Equal(StopReason.Caller, took.Stop);
            }
            return text.ToString();
        }

        internal static void AStreamIsTheText()
        {
            using (Model model = Model.Open(Fixture.Q8))
            using (Session session = model.Session())
            using (Session other = model.Session())
            {
                string text = session.Generate(Beginning());
                Check.Equal(text, string.Concat(other.Stream(Beginning())));
                Check.Equal(session.LastGeneration.GeneratedTokens, other.LastGeneration.GeneratedTokens);
            }
        }

        internal static void AStreamLeftEarlyFreesItsThread()
        {
            using (Model model = Model.Open(Fixture.Q8))
            using (Session session = model.Session())
            {
                foreach (string piece in session.Stream(new Prompt("In the") { MaxTokens = 400 }.Greedy()))
                {
                    Check.Throws<InvalidOperationException>(() => { int unused = session.Length; });
                    break;
                }
                Check.Equal(StopReason.Caller, session.LastGeneration.Stop);
                Check.True(session.Length < 100, "it went on for " + session.Length + " tokens");
            }
        }

        internal static void AStreamTellsWhatFailed()
        {
            using (Model model = Model.Open(Fixture.Q8))
            using (Session session = model.Session())
            {
                var bad = new Prompt("In") { Sampling = new Sampling { TopP = 7 } };
                var thrown = Check.Throws<QuantException>(() => session.Stream(bad).Count());
                Check.Equal(Status.Argument, thrown.Status);
            }
        }

        internal static void ForksGoOnFromOnePrompt()
        {
            using (Model model = Model.Open(Fixture.Q8))
            using (Session session = model.Session())
            {
                session.Logits(model.Tokenize("In the beginning", TextFlags.Prompt));
                int length = session.Length;
                using (Session fork = session.Fork(length))
                {
                    Func<Prompt> next = () => new Prompt(" God") { Flags = TextFlags.Plain, MaxTokens = 6 }.Greedy();
                    Check.Equal(fork.Generate(next()), session.Generate(next()));
                }
                session.Truncate(length);
                Check.Equal(length, session.Length);
            }
        }

        internal static void ASchedulerServesMany()
        {
            using (Model model = Model.Open(Fixture.Q8))
            using (Scheduler scheduler = model.Scheduler(new SchedulerOptions { Sequences = 4 }))
            {
                var greedy = new Sampling { Temperature = 0 };
                Task<string>[] all = Enumerable.Range(0, 12).Select(i => scheduler.SubmitAsync(
                    new Request("In the beginning") { MaxTokens = 12, Sampling = greedy })).ToArray();
                Check.True(Task.WaitAll(all, 60000), "they take too long");
                Check.True(all[0].Result.Length > 0 && all.All(one => one.Result == all[0].Result), "texts");
                Check.Equal(12L, scheduler.Statistics().Requests);
            }
        }

        internal static void ACallbackThatThrowsCancelsItsRequest()
        {
            var own = new FormatException("mine");
            using (Model model = Model.Open(Fixture.Q8))
            using (Scheduler scheduler = model.Scheduler())
            using (var ended = new ManualResetEventSlim())
            {
                Exception got = null, disposing = null;
                scheduler.Submit(new Request("In the") { MaxTokens = 200, IgnoreEnd = true },
                    (text, token) => throw own, (took, failure) =>
                    {
                        got = failure;
                        try { scheduler.Dispose(); }
                        catch (InvalidOperationException refused) { disposing = refused; }
                        ended.Set();
                    });
                Check.True(ended.Wait(60000), "it takes too long");
                Check.True(ReferenceEquals(own, got), "another exception came");
                Check.True(disposing != null, "disposing was not refused");
            }
        }

        internal static void DisposingASchedulerEndsItsRequests()
        {
            using (Model model = Model.Open(Fixture.Q8))
            {
                Scheduler scheduler = model.Scheduler();
                Task<string> task = scheduler.SubmitAsync(new Request("In the") { IgnoreEnd = true });
                scheduler.Dispose();
                var thrown = Check.Throws<AggregateException>(() => task.Wait(60000));
                Check.Equal(Status.Cancelled, ((QuantException)thrown.InnerException).Status);
            }
        }

        /// <summary>The library's threads block signals, of which the runtime needs some; so do threads that it starts there.
        /// </summary>
        internal static void CallbacksMayFaultAndBeCollectedIn()
        {
            using (Model model = Model.Open(Fixture.Q8))
            using (Scheduler scheduler = model.Scheduler())
            {
                string none = null;
                Exception got = null;
                using (var ended = new ManualResetEventSlim())
                {
                    scheduler.Submit(new Request("In the") { MaxTokens = 4 }, (text, token) =>
                    {
                        Task.Run(() => Thread.Sleep(100));
                        if (none.Length > 0) throw new FormatException("of a null reference");
                    }, (took, failure) =>
                    {
                        got = failure;
                        ended.Set();
                    });
                    for (int i = 0; i < 50 && !ended.IsSet; ++i)
                    {
                        GC.Collect();
                        Thread.Sleep(5);
                    }
                    Check.True(ended.Wait(60000), "it takes too long");
                }
                GC.Collect();
                Check.True(got is NullReferenceException, "" + got);
            }
        }

        internal static void LogLinesArrive()
        {
            var lines = new ConcurrentQueue<string>();
            Quant.SetLogger((level, line) =>
            {
                lines.Enqueue(line);
                throw new FormatException("passed over");
            });
            using (Model model = Model.Open(Fixture.Q8))
            using (Session session = model.Session()) session.Generate(Beginning());
            Quant.SetLogger(null);
            Check.True(lines.All(line => line.Length > 0), "an empty line came");
        }
    }
}

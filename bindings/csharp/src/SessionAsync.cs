#if NET8_0_OR_GREATER
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace LibQuant
{
    public sealed partial class Session
    {
        /// <summary>Generates text in a thread of its own, which no thread waits for. It begins with the loop over it (await
        /// foreach); leaving that, or cancelling, stops the generation.</summary>
        public async IAsyncEnumerable<string> StreamAsync(
            Prompt prompt, [EnumeratorCancellation] CancellationToken cancellation = default)
        {
            using var changed = new SemaphoreSlim(0);
            using TokenStream pieces = Begin(prompt, () => changed.Release());
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                if (pieces.TryTakeNow(out string piece, out bool waits)) yield return piece;
                else if (!waits) yield break;
                else await changed.WaitAsync(cancellation).ConfigureAwait(false);
            }
        }
    }
}
#endif

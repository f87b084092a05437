using System.Collections.Generic;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>A type mix: a name that users know, and the rule that gives each tensor its encoding.</summary>
    public sealed class TypeMix
    {
        private TypeMix(quant_type_info from)
        {
            Name = from.name;
            Summary = from.summary;
            Encoding = Encoding.Of(from.encoding);
            BitsPerWeight = from.bits_per_weight;
        }

        /// <summary>Such as "Q4_K_M".</summary>
        public string Name { get; }

        /// <summary>One line for a person.</summary>
        public string Summary { get; }

        /// <summary>Of most tensors.</summary>
        public Encoding Encoding { get; }

        /// <summary>Of that encoding; a mix comes out a little higher.</summary>
        public double BitsPerWeight { get; }

        /// <summary>All there are, smallest first.</summary>
        public static IReadOnlyList<TypeMix> List()
        {
            var all = new List<TypeMix>();
            for (ulong i = 0; i < NativeQuant.type_count(); ++i)
            {
                ulong index = i;
                all.Add(Call.Of(outcome =>
                    Call.Read(NativeQuant.type_at(index, outcome), outcome, from => new TypeMix(from))));
            }
            return all;
        }
    }
}

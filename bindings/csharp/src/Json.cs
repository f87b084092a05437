using System.Globalization;
using System.Text;

namespace LibQuant
{
    /// <summary>Text as JSON has it.</summary>
    internal static class Json
    {
        internal static StringBuilder Quote(StringBuilder to, string text)
        {
            to.Append('"');
            foreach (char c in text)
            {
                if (c == '"' || c == '\\') to.Append('\\').Append(c);
                else if (c < ' ') to.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                else to.Append(c); // Half a surrogate pair becomes U+FFFD with the rest of UTF-8.
            }
            return to.Append('"');
        }
    }
}

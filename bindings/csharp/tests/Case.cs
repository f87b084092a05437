using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace LibQuant.Tests
{
    /// <summary>A case of the conformance suite.</summary>
    internal sealed class Case
    {
        private readonly Dictionary<string, object> all_, input_, expect_;

        internal Case(object all)
        {
            all_ = (Dictionary<string, object>)all;
            input_ = (Dictionary<string, object>)all_["input"];
            expect_ = (Dictionary<string, object>)all_["expect"];
        }

        internal string Name => (string)all_["name"];
        internal string Kind => (string)all_["kind"];
        internal double Tolerance => (double)all_["tolerance"];

        internal bool Has(string key) => input_.ContainsKey(key);
        internal bool Is(string key) => (bool)input_[key];
        internal string Text(string key) => (string)input_[key];
        internal int Count(string key) => (int)(double)input_[key];
        internal byte[] Bytes(string key) => BytesOf(input_[key]);
        internal int[] Ids(string key) => ((List<object>)input_[key]).Select(id => (int)(double)id).ToArray();
        internal List<string> Strings(string key) =>
            ((List<object>)input_[key]).Select(one => Encoding8.GetString(BytesOf(one))).ToList();
        internal string JsonText(string key) => Write(new StringBuilder(), input_[key]).ToString();
        internal M Method<M>(string key) where M : struct =>
            (M)Enum.Parse(typeof(M), Has(key) ? Text(key) : "Default", true);

        internal string Expected(string key) => (string)expect_[key];
        internal byte[] ExpectedBytes(string key) => BytesOf(expect_[key]);
        internal double ExpectedNumber(string key) => (double)expect_[key];
        internal List<object> ExpectedList(string key) => (List<object>)expect_[key];

        internal static readonly UTF8Encoding Encoding8 = new UTF8Encoding(false);

        /// <summary>A string, or {"hex": "..."}.</summary>
        private static byte[] BytesOf(object value)
        {
            if (value is string) return Encoding8.GetBytes((string)value);
            var hex = (string)((Dictionary<string, object>)value)["hex"];
            return Enumerable.Range(0, hex.Length / 2).Select(i => Convert.ToByte(hex.Substring(2 * i, 2), 16)).ToArray();
        }

        private static StringBuilder Write(StringBuilder to, object value)
        {
            if (value is string) return Quote(to, (string)value);
            if (value is List<object>)
            {
                string before = "[";
                foreach (object one in (List<object>)value)
                {
                    Write(to.Append(before), one);
                    before = ",";
                }
                return to.Append(before == "[" ? "[]" : "]");
            }
            if (value is Dictionary<string, object>)
            {
                string before = "{";
                foreach (var one in (Dictionary<string, object>)value)
                {
                    Write(Quote(to.Append(before), one.Key).Append(':'), one.Value);
                    before = ",";
                }
                return to.Append(before == "{" ? "{}" : "}");
            }
            return to.Append(value is bool ? ((bool)value ? "true" : "false")
                : Convert.ToString(value ?? "null", CultureInfo.InvariantCulture));
        }

        private static StringBuilder Quote(StringBuilder to, string text)
        {
            to.Append('"');
            foreach (char c in text)
            {
                if (c < ' ' || c == '"' || c == '\\') to.Append("\\u").Append(((int)c).ToString("x4"));
                else to.Append(c);
            }
            return to.Append('"');
        }
    }
}

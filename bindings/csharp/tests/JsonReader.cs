using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace LibQuant.Tests
{
    /// <summary>Reads JSON as dictionaries, lists, strings, doubles and booleans: enough for the cases.</summary>
    internal sealed class JsonReader
    {
        private readonly string text_;
        private int at_;

        private JsonReader(string text)
        {
            text_ = text;
        }

        internal static object Read(string text)
        {
            var reader = new JsonReader(text);
            object value = reader.Value();
            reader.Space();
            if (reader.at_ != text.Length) throw new FormatException("text after the value, at " + reader.at_);
            return value;
        }

        private object Value()
        {
            Space();
            switch (text_[at_])
            {
                case '{': return Object();
                case '[': return Array();
                case '"': return String();
                default: return Word();
            }
        }

        private Dictionary<string, object> Object()
        {
            var members = new Dictionary<string, object>();
            ++at_;
            while (!Takes('}'))
            {
                Takes(',');
                Space();
                string name = String();
                if (!Takes(':')) throw new FormatException("no colon at " + at_);
                members[name] = Value();
            }
            return members;
        }

        private List<object> Array()
        {
            var values = new List<object>();
            ++at_;
            while (!Takes(']'))
            {
                Takes(',');
                values.Add(Value());
            }
            return values;
        }

        private string String()
        {
            var text = new StringBuilder();
            for (++at_; text_[at_] != '"'; ++at_)
            {
                char c = text_[at_];
                if (c != '\\')
                {
                    text.Append(c);
                    continue;
                }
                c = text_[++at_];
                int plain = "bfnrt".IndexOf(c);
                if (c == 'u')
                {
                    text.Append((char)Convert.ToInt32(text_.Substring(at_ + 1, 4), 16));
                    at_ += 4;
                }
                else text.Append(plain < 0 ? c : "\b\f\n\r\t"[plain]);
            }
            ++at_;
            return text.ToString();
        }

        private object Word()
        {
            int from = at_;
            while (at_ < text_.Length && ",]} \n\r\t".IndexOf(text_[at_]) < 0) ++at_;
            string word = text_.Substring(from, at_ - from);
            if (word == "true") return true;
            if (word == "false") return false;
            if (word == "null") return null;
            return double.Parse(word, CultureInfo.InvariantCulture);
        }

        private bool Takes(char c)
        {
            Space();
            if (text_[at_] != c) return false;
            ++at_;
            return true;
        }

        private void Space()
        {
            while (at_ < text_.Length && char.IsWhiteSpace(text_[at_])) ++at_;
        }
    }
}

package dev.libquant;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads JSON as maps, lists, strings, numbers (Double) and booleans: enough for the cases. */
final class JsonReader {
    private final String text;
    private int at;

    private JsonReader(String text) {
        this.text = text;
    }

    static Object read(String text) {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value();
        reader.space();
        if (reader.at != text.length()) {
            throw new IllegalArgumentException("text after the value, at " + reader.at);
        }
        return value;
    }

    private Object value() {
        space();
        switch (text.charAt(at)) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            default:
                return word();
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> out = new LinkedHashMap<>();
        ++at;
        while (!takes('}')) {
            takes(',');
            space();
            String name = string();
            if (!takes(':')) {
                throw new IllegalArgumentException("no colon at " + at);
            }
            out.put(name, value());
        }
        return out;
    }

    private List<Object> array() {
        List<Object> out = new ArrayList<>();
        ++at;
        while (!takes(']')) {
            takes(',');
            out.add(value());
        }
        return out;
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        for (++at; text.charAt(at) != '"'; ++at) {
            char c = text.charAt(at);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            c = text.charAt(++at);
            int plain = "bfnrt".indexOf(c);
            if (c == 'u') {
                out.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                at += 4;
            } else {
                out.append(plain < 0 ? c : "\b\f\n\r\t".charAt(plain));
            }
        }
        ++at;
        return out.toString();
    }

    private Object word() {
        int from = at;
        while (at < text.length() && ",]} \n\r\t".indexOf(text.charAt(at)) < 0) {
            ++at;
        }
        String word = text.substring(from, at);
        switch (word) {
            case "true":
                return true;
            case "false":
                return false;
            case "null":
                return null;
            default:
                return Double.valueOf(word);
        }
    }

    private boolean takes(char c) {
        space();
        if (text.charAt(at) != c) {
            return false;
        }
        ++at;
        return true;
    }

    private void space() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            ++at;
        }
    }
}

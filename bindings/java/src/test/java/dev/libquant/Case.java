package dev.libquant;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** A case of the conformance suite. */
@SuppressWarnings("unchecked")
final class Case {
    final String name;
    final String kind;
    private final Map<String, Object> all;
    private final Map<String, Object> input;
    private final Map<String, Object> expect;

    Case(Map<String, Object> all) {
        this.all = all;
        name = (String) all.get("name");
        kind = (String) all.get("kind");
        input = (Map<String, Object>) all.getOrDefault("input", Map.of());
        expect = (Map<String, Object>) all.get("expect");
    }

    boolean has(String key) {
        return input.get(key) != null;
    }

    boolean is(String key) {
        return Boolean.TRUE.equals(input.get(key));
    }

    String text(String key) {
        return (String) input.get(key);
    }

    int count(String key) {
        return ((Double) input.get(key)).intValue();
    }

    int[] ids(String key) {
        return ((List<Object>) input.get(key)).stream().mapToInt(id -> ((Double) id).intValue()).toArray();
    }

    List<String> strings(String key) {
        List<String> out = new ArrayList<>();
        ((List<Object>) input.get(key)).forEach(one -> out.add(new String(bytes(one), StandardCharsets.UTF_8)));
        return out;
    }

    byte[] bytes(String key) {
        return bytes(input.get(key));
    }

    /** A string, or {"hex": "..."}. */
    private static byte[] bytes(Object value) {
        return value instanceof Map
                ? HexFormat.of().parseHex((String) ((Map<String, Object>) value).get("hex"))
                : ((String) value).getBytes(StandardCharsets.UTF_8);
    }

    String json(String key) {
        return write(new StringBuilder(), input.get(key)).toString();
    }

    String expected(String key) {
        return (String) expect.get(key);
    }

    byte[] expectedBytes(String key) {
        return bytes(expect.get(key));
    }

    double expectedNumber(String key) {
        return (Double) expect.get(key);
    }

    List<Object> expectedList(String key) {
        return (List<Object>) expect.get(key);
    }

    double tolerance() {
        return (Double) all.get("tolerance");
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    static List<Object> numbers(int[] values) {
        List<Object> out = new ArrayList<>();
        for (int value : values) {
            out.add((double) value);
        }
        return out;
    }

    private static StringBuilder write(StringBuilder to, Object value) {
        if (value instanceof String) {
            return Json.quote(to, (String) value);
        }
        if (value instanceof List) {
            String before = "[";
            for (Object one : (List<Object>) value) {
                write(to.append(before), one);
                before = ",";
            }
            return to.append(before.equals("[") ? "[]" : "]");
        }
        if (value instanceof Map) {
            String before = "{";
            for (Map.Entry<String, Object> one : ((Map<String, Object>) value).entrySet()) {
                write(Json.quote(to.append(before), one.getKey()).append(':'), one.getValue());
                before = ",";
            }
            return to.append(before.equals("{") ? "{}" : "}");
        }
        return to.append(value);
    }
}

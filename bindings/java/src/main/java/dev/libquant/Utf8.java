package dev.libquant;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Between strings of Java and bytes of the library. */
final class Utf8 {
    private Utf8() {}

    /** Empty for null, which is how the native part spells what is not given. */
    static byte[] bytes(String text) {
        return text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Of what the library reads up to a NUL: one inside would cut it off.
     *
     * @throws IllegalArgumentException for such a one
     */
    static byte[] name(String text, String what) {
        if (text != null && text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(what + " holds a NUL character: " + text.replace("\0", "\\0"));
        }
        return bytes(text);
    }

    static byte[] bytes(Path path) {
        return bytes(path.toString());
    }

    /** Sequences that are no UTF-8 become U+FFFD. */
    static String string(byte[] utf8) {
        return new String(utf8, StandardCharsets.UTF_8);
    }
}

package dev.libquant;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.stream.Stream;

/** What the tests run on: the small model, a file quantized from it, and a folder for scratch. */
final class Fixture {
    static final Path BASE = Path.of(System.getenv("QUANT_SHARE"), "models", "kjv-5m");
    private static Path scratch;
    private static Path q8;

    private Fixture() {}

    static synchronized Path scratch() {
        if (scratch == null) {
            try {
                scratch = Files.createTempDirectory("quant-java");
            } catch (IOException failure) {
                throw new UncheckedIOException(failure);
            }
            Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(scratch)));
        }
        return scratch;
    }

    static synchronized Path q8() {
        if (q8 == null) {
            Path to = scratch().resolve("q8.gguf");
            Plan.quantize(BASE, to, QuantizeOptions.ofType("Q8_0").method(Method.ROUND), null);
            q8 = to;
        }
        return q8;
    }

    static float[] weights(int count) {
        float[] out = new float[count];
        for (int i = 0; i < count; ++i) {
            out[i] = ((i * 7919L + 13) % 2001 - 1000) / 1024f;
        }
        return out;
    }

    static String sha256(byte[] bytes) {
        try {
            StringBuilder out = new StringBuilder();
            for (byte b : MessageDigest.getInstance("SHA-256").digest(bytes)) {
                out.append(String.format("%02x", b));
            }
            return out.toString();
        } catch (java.security.NoSuchAlgorithmException never) {
            throw new AssertionError(never);
        }
    }

    private static void remove(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException nothingToDo) {
            // It is in the system's folder for such things.
        }
    }
}

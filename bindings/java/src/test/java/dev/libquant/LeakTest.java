package dev.libquant;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Rounds of opening and closing: memory and descriptors stay as they are after the first tenth of them. */
class LeakTest {
    @Test
    void tokenizers() throws Exception {
        // A whole tokenizer.json takes milliseconds to read; the file of weights brings a vocabulary in less.
        rounds(10_000, 16, () -> Tokenizer.open(Fixture.q8()).close());
    }

    @Test
    void models() throws Exception {
        rounds(300, 24, () -> {
            try (Model model = Model.open(Fixture.q8()); Session session = model.session()) {
                session.generate(Prompt.of("In").maxTokens(1).greedy(), piece -> false);
            }
        });
    }

    @Test
    void handlesThatNobodyCloses() throws Exception {
        rounds(400, 64, () -> {
            Model model = Model.open(Fixture.q8());
            model.session();
            if (Math.random() < 0.1) {
                System.gc();
            }
        });
    }

    private static void rounds(int count, int mebibytes, Runnable round) throws Exception {
        run(count / 10, round);
        long memory = residentMiB();
        int descriptors = descriptors();
        run(count, round);
        assertTrue(residentMiB() <= memory + mebibytes, memory + " MiB became " + residentMiB());
        assertTrue(descriptors() <= descriptors + 2, descriptors + " descriptors became " + descriptors());
    }

    private static void run(int count, Runnable round) throws InterruptedException {
        for (int i = 0; i < count; ++i) {
            round.run();
        }
        for (int i = 0; i < 5; ++i) {
            System.gc();
            Thread.sleep(50); // For the cleaner.
        }
    }

    private static long residentMiB() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
            }
        }
        throw new IOException("/proc/self/status has no VmRSS");
    }

    private static int descriptors() {
        return new File("/proc/self/fd").list().length;
    }
}

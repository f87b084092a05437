package dev.libquant;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A daemon with a catalog of its own, which has the quantized model as "shared:Q8_0". */
final class SharedDaemon implements AutoCloseable {
    /** What is done while it runs. */
    interface Body {
        void run(SharedDaemon daemon) throws Exception;
    }

    private final Process process;
    private final Path socket;

    private SharedDaemon(String program) throws Exception {
        Path home = Files.createTempDirectory(Fixture.scratch(), "home");
        socket = home.resolve("s");
        try (Catalog catalog = Catalog.open(home.resolve("catalog.db"))) {
            catalog.importModel(Fixture.q8(), "shared:Q8_0", null);
        }
        ProcessBuilder builder = new ProcessBuilder(program, "--socket", socket.toString());
        builder.environment().put("QUANT_HOME", home.toString());
        builder.redirectErrorStream(true).redirectOutput(home.resolve("log").toFile());
        process = builder.start();
        for (int i = 0; i < 200 && !Files.exists(socket); ++i) {
            Thread.sleep(50);
        }
    }

    static void with(Body body) throws Exception {
        String program = System.getenv("QUANTD");
        Assumptions.assumeTrue(program != null, "QUANTD names no daemon");
        try (SharedDaemon daemon = new SharedDaemon(program)) {
            body.run(daemon);
        }
    }

    Model open() {
        return Model.openShared(
                "shared:Q8_0", new SharedOptions().socket(socket).timeout(Duration.ofSeconds(60)));
    }

    @Override
    public void close() throws Exception {
        process.destroy();
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
    }
}

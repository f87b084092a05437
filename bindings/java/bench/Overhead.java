import dev.libquant.Encoding;
import dev.libquant.Generation;
import dev.libquant.Method;
import dev.libquant.Model;
import dev.libquant.Prompt;
import dev.libquant.Session;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Predicate;

/**
 * What Java costs over C, in turns with the program that bindings/conformance/baseline.c is:
 * java Overhead.java BASELINE MODEL [ROUNDS].
 */
class Overhead {
    private static final int TOKENS = 256;
    private static final int MIB = 64;

    public static void main(String[] args) throws IOException {
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 7;
        callbacks(args[0], args[1], rounds);
        for (String name : new String[] {"Q8_0", "Q4_0"}) {
            encode(args[0], name, rounds);
        }
    }

    /** Against C, and against the same generation without a callback, which noise between processes does not reach. */
    private static void callbacks(String baseline, String path, int rounds) throws IOException {
        double[] c = new double[rounds];
        double[] java = new double[8 * rounds];
        double[] silent = new double[8 * rounds];
        try (Model model = Model.open(Path.of(path))) {
            for (int i = 0; i < 8; ++i) {
                generate(model, piece -> true); // The compiler's warming up.
            }
            for (int i = 0; i < 8 * rounds; ++i) {
                if (i % 8 == 0) {
                    c[i / 8] = seconds(baseline, "callbacks", path, Integer.toString(TOKENS));
                }
                silent[i] = generate(model, null);
                java[i] = generate(model, piece -> true);
            }
        }
        System.out.printf("callbacks, us a token: C %.1f, Java %.1f, without one %.1f; over C %.2f, over none %.2f%n",
                1e6 * median(c), 1e6 * median(java), 1e6 * median(silent), 1e6 * (median(java) - median(c)),
                1e6 * (median(java) - median(silent)));
    }

    private static double generate(Model model, Predicate<String> text) {
        try (Session session = model.session()) {
            Generation took = session.generate(Prompt.of("And").maxTokens(TOKENS).greedy(), text);
            return took.decodeSeconds() / took.generatedTokens();
        }
    }

    /** C's figure is of the first call of a process, which starts the workers; Java's is the best of three. */
    private static void encode(String baseline, String name, int rounds) throws IOException {
        int cols = 4096;
        int rows = MIB * (1 << 18) / cols;
        FloatBuffer weights =
                ByteBuffer.allocateDirect(rows * cols * 4).order(ByteOrder.nativeOrder()).asFloatBuffer();
        for (int i = 0; i < rows * cols; ++i) {
            weights.put(i, ((i * 7919L + 13) % 2001 - 1000) / 1024f);
        }
        Encoding encoding = Encoding.find(name);
        ByteBuffer out = ByteBuffer.allocateDirect((int) encoding.encodedSize(rows, cols));
        double[] java = new double[rounds];
        double[] c = new double[rounds];
        for (int i = 0; i < rounds; ++i) {
            c[i] = seconds(baseline, "encode", name, Integer.toString(MIB));
            double best = Double.MAX_VALUE;
            for (int k = 0; k < 3; ++k) {
                long from = System.nanoTime();
                encoding.encode(weights, rows, cols, Method.ROUND, null, out, null);
                best = Math.min(best, (System.nanoTime() - from) / 1e9);
            }
            java[i] = best;
        }
        System.out.printf("encode %s, %d MiB: C %.1f ms, Java %.1f ms, %.1f %% of C's speed%n", name, MIB,
                1e3 * median(c), 1e3 * median(java), 100 * median(c) / median(java));
    }

    /** Of the JSON that the program prints. */
    private static double seconds(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String json = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String number = json.replaceAll("(?s).*\"seconds[a-z_]*\"\\s*:\\s*([-+.0-9eE]+).*", "$1");
        return Double.parseDouble(number);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}

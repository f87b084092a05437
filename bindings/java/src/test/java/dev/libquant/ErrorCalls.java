package dev.libquant;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;

/** The calls of cases that fail. */
final class ErrorCalls {
    private ErrorCalls() {}

    static void make(Case it) {
        switch (it.text("call")) {
            case "open_model" -> Model.open(Path.of(it.text("path"))).close();
            case "open_tokenizer" -> Tokenizer.open(Path.of(it.text("path"))).close();
            case "find_encoding" -> Encoding.find(it.text("name"));
            case "encode" -> encode(it);
            case "detokenize" -> {
                try (Model model = Model.open(Fixture.q8())) {
                    model.detokenize(it.ids("ids"), false);
                }
            }
            case "open_shared" -> {
                SharedOptions options = new SharedOptions().timeout(Duration.ofSeconds(5));
                Model.openShared(it.text("name"), options.socket(Path.of(it.text("socket")))).close();
            }
            case "resolve" -> {
                try (Catalog catalog = Catalog.open(Fixture.scratch().resolve("errors.db"))) {
                    catalog.resolve(it.text("name"));
                }
            }
            case "plan" -> {
                Plan.make(Fixture.BASE, QuantizeOptions.ofType(it.text("type"))).close();
            }
            case "render" -> Chat.ofJson(it.json("messages")).render(it.text("template"), "template");
            default -> throw new AssertionError("no runner for the call " + it.text("call"));
        }
    }

    private static void encode(Case it) {
        int rows = it.count("rows");
        int cols = it.count("cols");
        float[] weights = Fixture.weights(rows * cols);
        ByteBuffer direct = ByteBuffer.allocateDirect(4 * weights.length).order(ByteOrder.nativeOrder());
        direct.asFloatBuffer().put(weights);
        Encoding.find(it.text("encoding")).encode(direct.asFloatBuffer(), rows, cols, Method.DEFAULT);
    }
}

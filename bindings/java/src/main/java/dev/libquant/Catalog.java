package dev.libquant;

import dev.libquant.internal.NativeCatalog;
import dev.libquant.internal.VariantList;
import dev.libquant.internal.quant_eval_result;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The models on this machine, each variant with its measurements. One thread at a time. */
public final class Catalog extends Handle<NativeCatalog> {
    private Catalog(NativeCatalog made) {
        super(made, made::delete);
    }

    /**
     * Opens this user's catalog: in QUANT_HOME, or where the library has it.
     *
     * @return to be closed
     */
    public static Catalog open() {
        return new Catalog(Call.of(outcome -> NativeCatalog.open(new byte[0], outcome)));
    }

    /**
     * Opens a catalog.
     *
     * @param path of its file
     * @return to be closed
     */
    public static Catalog open(Path path) {
        return new Catalog(Call.of(outcome -> NativeCatalog.open(Utf8.bytes(path), outcome)));
    }

    /**
     * All variants.
     *
     * @return as they are now
     */
    public List<Variant> list() {
        return list("");
    }

    /**
     * The variants of a name.
     *
     * @param filter as {@code quantctl list} takes it; "" for all
     * @return as they are now
     */
    public List<Variant> list(String filter) {
        try (VariantList all = call((catalog, outcome) -> catalog.list(Utf8.name(filter, "a filter"), outcome))) {
            List<Variant> out = new ArrayList<>();
            for (long i = 0; i < all.count(); ++i) {
                long index = i;
                out.add(Call.of(outcome -> Call.read(
                        all.at(index, outcome), row -> outcome.ok() ? Variant.of(row) : null)));
            }
            return List.copyOf(out);
        }
    }

    /**
     * The path of what a user means.
     *
     * @param name of a variant, or a path
     * @return of its file or folder
     */
    public Path resolve(String name) {
        return Path.of(text((catalog, outcome) -> catalog.resolve(Utf8.name(name, "a model's name"), outcome)));
    }

    /**
     * Takes a model up.
     *
     * @param path a GGUF file or a folder, which stays where it is
     * @param name "" for one after the file's name and type
     * @param progress null for none
     * @return the name it got
     */
    public String importModel(Path path, String name, Progress progress) {
        return Utf8.string(with(catalog -> Call.of(progress, (sink, outcome) ->
                catalog.import_model(Utf8.bytes(path), Utf8.name(name, "a model's name"), sink, outcome))));
    }

    /**
     * Where a variant belongs.
     *
     * @param source what it is made from
     * @param type the mix
     * @return a path for {@link Plan#run}
     */
    public Path outputPath(String source, String type) {
        return Path.of(text((catalog, outcome) ->
                catalog.output_path(Utf8.name(source, "a source"), Utf8.name(type, "a type"), outcome)));
    }

    /**
     * Records what a plan has made.
     *
     * @param source what it was made from
     * @param plan that has run
     * @param output its file
     * @param progress null for none
     * @return the variant's name
     */
    public String addVariant(String source, Plan plan, Path output, Progress progress) {
        return Utf8.string(plan.with(made -> with(catalog -> Call.of(progress, (sink, outcome) ->
                catalog.add_variant(Utf8.name(source, "a source"), made, Utf8.bytes(output), sink, outcome)))));
    }

    /**
     * Records a measurement, which {@link #list()} then tells.
     *
     * @param name of the variant
     * @param base of the variant that it was compared with, or ""
     * @param textName what the text is called
     * @param result of {@link Model#evaluate}
     */
    public void recordEvaluation(String name, String base, String textName, Evaluation result) {
        try (quant_eval_result made = result.result()) {
            call((catalog, outcome) -> {
                catalog.record_eval(Utf8.name(name, "a model's name"), Utf8.name(base, "a base's name"),
                        Utf8.name(textName, "a text's name"), made, outcome);
                return null;
            });
        }
    }

    /**
     * All that is known of a variant.
     *
     * @param name of it
     * @return JSON
     */
    public String show(String name) {
        return text((catalog, outcome) -> catalog.show(Utf8.name(name, "a model's name"), outcome));
    }

    /**
     * Removes a variant, or all of a model.
     *
     * @param name of it
     * @param keepFile forget it, but leave its file
     * @return how many went
     */
    public int remove(String name, boolean keepFile) {
        return call((catalog, outcome) -> (int) catalog.remove(Utf8.name(name, "a model's name"), keepFile, outcome));
    }

    private String text(java.util.function.BiFunction<NativeCatalog, dev.libquant.internal.Outcome, byte[]> body) {
        return Utf8.string(call(body));
    }
}

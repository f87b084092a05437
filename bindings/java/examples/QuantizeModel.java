import dev.libquant.Plan;
import dev.libquant.PlanSummary;
import dev.libquant.QuantizeOptions;
import java.nio.file.Path;

/** Quantizes a model: java QuantizeModel.java SOURCE OUTPUT [TYPE]. */
class QuantizeModel {
    public static void main(String[] args) {
        QuantizeOptions options = QuantizeOptions.ofType(args.length > 2 ? args[2] : "Q4_K_M");
        PlanSummary made = Plan.quantize(Path.of(args[0]), Path.of(args[1]), options, report -> {
            System.out.printf("%3d %% %s%n", 100 * report.done() / Math.max(1, report.total()), report.stage());
            return true; // false would cancel, and leave nothing behind
        });
        System.out.printf("%d bytes, %.2f bits a weight%n", made.outputBytes(), made.bitsPerWeight());
    }
}

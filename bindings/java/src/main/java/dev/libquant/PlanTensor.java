package dev.libquant;

import dev.libquant.internal.quant_plan_tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * What becomes of one tensor.
 *
 * @param name in the GGUF file to be
 * @param sourceName in the source
 * @param sourceType its type there
 * @param shape row-major
 * @param encoding what it becomes
 * @param fallback whether the row length forced another encoding than the mix wants
 * @param method how; after running what BEST chose
 * @param bytes encoded
 * @param rmse root mean squared error; -1 until the plan has run
 * @param relative that divided by the RMS of the weights; -1 until then
 */
public record PlanTensor(
        String name, String sourceName, String sourceType, List<Long> shape, Encoding encoding, boolean fallback,
        Method method, long bytes, double rmse, double relative) {

    static PlanTensor of(quant_plan_tensor from) {
        return new PlanTensor(from.getName(), from.getSource_name(), from.getSource_type(), shape(from),
                Encoding.of(from.getEncoding()), from.getFallback() != 0, Method.of(from.getMethod()),
                from.getBytes(), from.getRmse(), from.getRelative());
    }

    private static List<Long> shape(quant_plan_tensor from) {
        List<Long> out = new ArrayList<>();
        for (int i = 0; i < from.getDims(); ++i) {
            out.add(from.extent(i));
        }
        return List.copyOf(out);
    }
}

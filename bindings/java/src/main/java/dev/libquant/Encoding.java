package dev.libquant;

import dev.libquant.internal.NativeQuant;
import dev.libquant.internal.quant_encoding_info;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * An encoding: how a block of weights is stored.
 *
 * @param id the number that GGUF files use, where it is below 256
 * @param name such as "Q4_K"
 * @param family "uniform", "table16", "float8", "grid", "ternary" or "floats"
 * @param summary one line for a person
 * @param blockWeights weights in a block; a row is a whole number of blocks
 * @param blockBytes bytes of a block
 * @param bitsPerWeight 8 * blockBytes / blockWeights
 */
public record Encoding(
        int id, String name, String family, String summary, int blockWeights, int blockBytes, double bitsPerWeight) {

    private static final class All {
        static final List<Encoding> LIST = read();
    }

    /**
     * All there are.
     *
     * @return in the order of the library's table
     */
    public static List<Encoding> list() {
        return All.LIST;
    }

    /**
     * The encoding of a name.
     *
     * @param name in any case of letters
     * @return that one
     * @throws QuantException {@link Status#NOT_FOUND}; the message lists the names there are
     */
    public static Encoding find(String name) {
        byte[] utf8 = Utf8.name(name, "an encoding's name");
        int id = Call.of(outcome -> NativeQuant.find_encoding(utf8, outcome));
        return of(id);
    }

    static Encoding of(int id) {
        for (Encoding encoding : All.LIST) {
            if (encoding.id == id) {
                return encoding;
            }
        }
        throw new IllegalArgumentException("no encoding has the number " + id);
    }

    /**
     * Bytes of encoded weights.
     *
     * @param rows how many there are
     * @param cols weights of a row, a multiple of {@link #blockWeights()}
     * @return what {@link #encode} writes
     */
    public long encodedSize(long rows, long cols) {
        return Call.of(outcome -> NativeQuant.encoded_size(id, rows, cols, outcome));
    }

    /**
     * Encodes weights of a direct buffer, of which nothing is copied.
     *
     * @param weights rows x cols from its position on, in the machine's byte order
     * @param rows how many there are
     * @param cols weights of a row
     * @param method how codes are chosen
     * @return a new direct buffer
     */
    public ByteBuffer encode(FloatBuffer weights, long rows, long cols, Method method) {
        ByteBuffer out = Buffers.bytes(encodedSize(rows, cols));
        encode(weights, rows, cols, method, null, out, null);
        return out;
    }

    /**
     * Encodes weights of one direct buffer into another, of which nothing is copied. Positions are not moved.
     *
     * @param weights rows x cols from its position on, in the machine's byte order; finite
     * @param rows how many there are
     * @param cols weights of a row
     * @param method how codes are chosen
     * @param importance cols weights of errors, or null
     * @param out with room for {@link #encodedSize} bytes from its position on
     * @param progress in weights; null for none
     */
    public void encode(FloatBuffer weights, long rows, long cols, Method method, FloatBuffer importance,
            ByteBuffer out, Progress progress) {
        long bytes = encodedSize(rows, cols);
        FloatBuffer from = Buffers.floats(weights, rows * cols, "weights");
        FloatBuffer by = importance == null ? null : Buffers.floats(importance, cols, "importance");
        ByteBuffer to = Buffers.codes(Buffers.writable(out, "out"), bytes, "out");
        Call.of(progress, (sink, outcome) -> {
            NativeQuant.encode(id, from, rows, cols, method.number(), by, sink, to, bytes, outcome);
            return null;
        });
    }

    /**
     * Encodes weights of an array, through a direct buffer of a few rows at a time: native code works on memory that the
     * collector does not move.
     *
     * @param weights rows x cols
     * @param rows how many there are
     * @param cols weights of a row
     * @param method how codes are chosen
     * @return the encoded bytes
     */
    public byte[] encode(float[] weights, int rows, int cols, Method method) {
        Buffers.expect(weights.length, (long) rows * cols, "weights");
        byte[] out = new byte[Math.toIntExact(encodedSize(rows, cols))];
        int step = Buffers.rowsAtATime(rows, cols);
        FloatBuffer from = Buffers.floats((long) step * cols);
        ByteBuffer to = Buffers.bytes(encodedSize(step, cols));
        int rowBytes = rows == 0 ? 0 : out.length / rows;
        for (int row = 0; row < rows; row += step) {
            int some = Math.min(step, rows - row);
            from.put(0, weights, row * cols, some * cols);
            encode(from, some, cols, method, null, to, null);
            to.get(0, out, row * rowBytes, some * rowBytes);
        }
        return out;
    }

    /**
     * Decodes a direct buffer into another, of which nothing is copied. Positions are not moved.
     *
     * @param in {@link #encodedSize} bytes from its position on
     * @param rows how many there are
     * @param cols weights of a row
     * @param out with room for rows x cols floats from its position on, in the machine's byte order
     */
    public void decode(ByteBuffer in, long rows, long cols, FloatBuffer out) {
        long bytes = encodedSize(rows, cols);
        ByteBuffer from = Buffers.codes(in, bytes, "in");
        FloatBuffer to = Buffers.floats(Buffers.writable(out, "out"), rows * cols, "out");
        Call.of(outcome -> {
            NativeQuant.decode(id, from, bytes, rows, cols, to, outcome);
            return null;
        });
    }

    /**
     * Decodes an array, through a direct buffer of a few rows at a time.
     *
     * @param in {@link #encodedSize} bytes
     * @param rows how many there are
     * @param cols weights of a row
     * @return rows x cols weights
     */
    public float[] decode(byte[] in, int rows, int cols) {
        Buffers.expect(in.length, encodedSize(rows, cols), "in");
        float[] out = new float[Math.multiplyExact(rows, cols)];
        int step = Buffers.rowsAtATime(rows, cols);
        ByteBuffer from = Buffers.bytes(encodedSize(step, cols));
        FloatBuffer to = Buffers.floats((long) step * cols);
        int rowBytes = rows == 0 ? 0 : in.length / rows;
        for (int row = 0; row < rows; row += step) {
            int some = Math.min(step, rows - row);
            from.put(0, in, row * rowBytes, some * rowBytes);
            decode(from, some, cols, to);
            to.get(0, out, row * cols, some * cols);
        }
        return out;
    }

    private static List<Encoding> read() {
        List<Encoding> out = new ArrayList<>();
        for (long i = 0; i < NativeQuant.encoding_count(); ++i) {
            long index = i;
            out.add(Call.of(outcome -> Call.read(NativeQuant.encoding_at(index, outcome), Encoding::of)));
        }
        return List.copyOf(out);
    }

    private static Encoding of(quant_encoding_info from) {
        return new Encoding(from.getId(), from.getName(), from.getFamily(), from.getSummary(),
                (int) from.getBlock_weights(), (int) from.getBlock_bytes(), from.getBits_per_weight());
    }
}

package dev.libquant;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Direct buffers as the native part takes them: large enough, of the machine's order, and from their position on. */
final class Buffers {
    /** Floats of a direct buffer that stands in for an array. */
    private static final int STEP = 1 << 20;

    private Buffers() {}

    static ByteBuffer bytes(long size) {
        return ByteBuffer.allocateDirect(Math.toIntExact(size)).order(ByteOrder.nativeOrder());
    }

    static FloatBuffer floats(long count) {
        return bytes(Math.multiplyExact(count, Float.BYTES)).asFloatBuffer();
    }

    static FloatBuffer floats(FloatBuffer given, long count, String what) {
        if (!given.isDirect() || given.order() != ByteOrder.nativeOrder()) {
            throw new IllegalArgumentException(what + " must be a direct buffer of the machine's byte order");
        }
        if (given.remaining() < count) {
            throw new IllegalArgumentException(
                    what + " has " + given.remaining() + " floats left, where " + count + " are needed");
        }
        return given.slice();
    }

    static ByteBuffer codes(ByteBuffer given, long count, String what) {
        if (!given.isDirect()) {
            throw new IllegalArgumentException(what + " must be a direct buffer");
        }
        if (given.remaining() < count) {
            throw new IllegalArgumentException(
                    what + " has " + given.remaining() + " bytes left, where " + count + " are needed");
        }
        return given.slice();
    }

    static <B extends Buffer> B writable(B given, String what) {
        if (given.isReadOnly()) {
            throw new IllegalArgumentException(what + " must not be read-only");
        }
        return given;
    }

    static void expect(long length, long wanted, String what) {
        if (length != wanted) {
            throw new IllegalArgumentException(what + " has a length of " + length + ", where it should be " + wanted);
        }
    }

    static int rowsAtATime(int rows, int cols) {
        return Math.max(1, Math.min(rows, STEP / Math.max(1, cols)));
    }
}

package dev.libquant.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Finds the native part: the file that the property {@code dev.libquant.jni} or LIBQUANT_JNI in the environment names, else
 * the one in the jar, else the one on java.library.path.
 */
public final class NativeLoader {
    private static final String FILE = "libquant_jni.so";
    private static final String LIBRARY = "libquant.so.0";
    private static boolean loaded;

    private NativeLoader() {}

    /** Loads it, once. */
    public static synchronized void load() {
        if (loaded) {
            return;
        }
        String named = System.getProperty("dev.libquant.jni", System.getenv("LIBQUANT_JNI"));
        if (named != null && !named.isEmpty()) {
            System.load(Path.of(named).toAbsolutePath().toString());
        } else if (!loadUnpacked()) {
            loadFromPath();
        }
        loaded = true;
    }

    private static void loadFromPath() {
        try {
            System.loadLibrary("quant_jni");
        } catch (UnsatisfiedLinkError missing) {
            throw new UnsatisfiedLinkError("the native part of libquant is neither in the jar nor on java.library.path"
                    + " (LIBQUANT_JNI or -Ddev.libquant.jni may name it, " + FILE + "): " + missing.getMessage());
        }
    }

    /** The jar may have the C library beside it, which is then loaded first, so that the other one finds it by its name. */
    private static boolean loadUnpacked() {
        String folder = "/dev/libquant/native/linux-" + System.getProperty("os.arch") + "/";
        if (NativeLoader.class.getResource(folder + FILE) == null) {
            return false;
        }
        try {
            Path scratch = Files.createTempDirectory("libquant");
            try {
                for (String name : new String[] {LIBRARY, FILE}) {
                    loadAndForget(folder + name, scratch.resolve(name));
                }
            } finally {
                Files.deleteIfExists(scratch);
            }
            return true;
        } catch (IOException failure) {
            throw new UncheckedIOException("the native library cannot be unpacked", failure);
        }
    }

    /** Nothing where the jar has it not. A file that is mapped may lose its name. */
    private static void loadAndForget(String resource, Path path) throws IOException {
        try (InputStream in = NativeLoader.class.getResourceAsStream(resource)) {
            if (in != null) {
                Files.copy(in, path);
                System.load(path.toString());
            }
        } finally {
            Files.deleteIfExists(path);
        }
    }
}

import dev.libquant.Embedding;
import dev.libquant.Model;
import java.util.List;

/** How alike two texts are: java Embed.java MODEL TEXT TEXT. */
class Embed {
    public static void main(String[] args) {
        try (Model model = Model.open(args[0])) {
            List<Embedding> both = model.embed(List.of(args[1], args[2]));
            float[] a = both.get(0).values();
            float[] b = both.get(1).values();
            double cosine = 0;
            for (int i = 0; i < a.length; ++i) {
                cosine += a[i] * b[i];
            }
            System.out.printf("%d dimensions, cosine %.4f%n", a.length, cosine);
        }
    }
}

import dev.libquant.Model;
import dev.libquant.Prompt;
import dev.libquant.Session;
import java.util.stream.Stream;

/** Goes on from a text: java Generate.java MODEL [TEXT]. */
class Generate {
    public static void main(String[] args) {
        Prompt prompt = Prompt.of(args.length > 1 ? args[1] : "In the beginning").maxTokens(48);
        try (Model model = Model.open(args[0]);
                Session session = model.session();
                Stream<String> pieces = session.stream(prompt)) {
            pieces.forEach(System.out::print);
            System.out.printf("%n%d tokens%n", session.lastGeneration().generatedTokens());
        }
    }
}

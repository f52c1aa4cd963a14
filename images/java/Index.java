import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.TreeSet;

/** Which documents hold a word. A line of the input is a document: its name, a tab, its text. */
public final class Index {
    public static void main(String[] arguments) throws IOException {
        InputStream in = new BufferedInputStream(System.in, 1 << 16);
        // ISO 8859-1 has a character for every byte: what was read is written again.
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, ISO_8859_1);
        if (arguments.length == 1 && arguments[0].equals("map")) {
            map(in, out);
        } else if (arguments.length == 1 && arguments[0].equals("reduce")) {
            reduce(in, out);
        } else {
            System.err.println("usage: Index map|reduce");
            System.exit(2);
        }
        out.flush();
        if (out.checkError()) {
            System.exit(1);
        }
    }

    private static void map(InputStream in, PrintStream out) throws IOException {
        for (String line = line(in); line != null; line = line(in)) {
            int tab = line.indexOf('\t');
            if (tab < 0) {
                System.err.println("reporter:counter:Input,Malformed,1");
                continue;
            }
            String document = line.substring(0, tab);
            TreeSet<String> words = new TreeSet<>();
            for (String word : line.substring(tab + 1).split("[^A-Za-z0-9_\\x80-\\xff]+")) {
                words.add(small(word));
            }
            words.remove("");
            words.forEach(word -> out.print(word + "\t" + document + "\n"));
        }
    }

    /** A word's documents come in order, each as often as it has the word in different lines. */
    private static void reduce(InputStream in, PrintStream out) throws IOException {
        String word = null;
        String document = null;
        for (String line = line(in); line != null; line = line(in)) {
            int tab = line.indexOf('\t');
            String nextWord = line.substring(0, tab);
            String nextDocument = line.substring(tab + 1);
            if (!nextWord.equals(word)) {
                out.print((word == null ? "" : "\n") + nextWord + "\t" + nextDocument);
            } else if (!nextDocument.equals(document)) {
                out.print("," + nextDocument);
            }
            word = nextWord;
            document = nextDocument;
        }
        if (word != null) {
            out.print("\n");
        }
    }

    /** ASCII alone: what toLowerCase makes of other bytes would be other bytes. */
    private static String small(String word) {
        StringBuilder small = new StringBuilder(word.length());
        for (char letter : word.toCharArray()) {
            small.append(letter >= 'A' && letter <= 'Z' ? (char) (letter + 32) : letter);
        }
        return small.toString();
    }

    /** The next line; only a newline ends it. */
    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                return line.size() == 0 ? null : line.toString(ISO_8859_1);
            }
            line.write(next);
        }
        return line.toString(ISO_8859_1);
    }
}

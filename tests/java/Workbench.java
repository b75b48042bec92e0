import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs the main methods of Kafka's tools one after another in one JVM, each as if it had one of its own.
 *
 * Standard input brings calls: a count, then the name of the class and its arguments, each a length and UTF-8 bytes.
 * Standard output answers each: the exit code, then what was printed and what was complained, in the same form.
 */
public class Workbench {
    /** Thrown where a tool would end its JVM. */
    static class Ended extends Error {
        final int code;

        Ended(int code) {
            super("exit " + code, null, false, false);
            this.code = code;
        }
    }

    /** Passes on to whatever stream the running tool writes to: tools and loggers keep a stream they once saw. */
    static class Passing extends OutputStream {
        volatile OutputStream to = OutputStream.nullOutputStream();

        @Override
        public void write(int b) throws java.io.IOException {
            to.write(b);
        }

        @Override
        public void write(byte[] b, int from, int length) throws java.io.IOException {
            to.write(b, from, length);
        }
    }

    /** The first call to exit counts, and what is said after it does not: a tool that catches everything catches its
     * own end too, reports it and exits again. */
    static Integer code;

    public static void main(String[] unused) throws Exception {
        DataInputStream calls = new DataInputStream(System.in);
        DataOutputStream answers = new DataOutputStream(System.out);
        Passing out = new Passing();
        Passing err = new Passing();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        Exit.Procedure end = (status, message) -> {
            System.out.flush();
            System.err.flush();
            out.to = OutputStream.nullOutputStream();
            err.to = OutputStream.nullOutputStream();
            if (code == null)
                code = status;
            throw new Ended(code);
        };
        Exit.setExitProcedure(end);
        Exit.setHaltProcedure(end);
        while (true) {
            String[] words;
            try {
                words = new String[calls.readInt()];
            } catch (EOFException e) {
                return;
            }
            for (int i = 0; i < words.length; i++)
                words[i] = new String(calls.readNBytes(calls.readInt()), StandardCharsets.UTF_8);
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            ByteArrayOutputStream complained = new ByteArrayOutputStream();
            out.to = printed;
            err.to = complained;
            answers.writeInt(run(words));
            System.out.flush();
            System.err.flush();
            for (ByteArrayOutputStream each : new ByteArrayOutputStream[] {printed, complained}) {
                answers.writeInt(each.size());
                each.writeTo(answers);
            }
            answers.flush();
        }
    }

    static int run(String[] words) throws Exception {
        code = null;
        String[] arguments = java.util.Arrays.copyOfRange(words, 1, words.length);
        try {
            Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (InvocationTargetException e) {
            if (!(e.getCause() instanceof Ended)) {
                System.err.print("Exception in thread \"main\" ");
                e.getCause().printStackTrace();
                return 1;
            }
        }
        return code == null ? 0 : code;
    }
}

package checks;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/**
 * Does real work on a Kafka node with Kafka's own Java clients and says of each check how it went.
 *
 * Arguments: the node's address, and a file of the records to send as tests/conformance/programs.py writes it. Each
 * check prints one line of JSON: its name, and what was wrong or null. The checks are those of
 * tests/conformance/checks.py.
 */
public class Main {
    /** One check: fails by throwing. */
    interface Work {
        void on(Lab lab) throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        ObjectMapper json = new ObjectMapper();
        SampleFile file = json.readValue(new File(arguments[1]), SampleFile.class);
        for (Map<String, Work> theme : List.of(
                Records.CHECKS, Reading.CHECKS, Producing.CHECKS, Groups.CHECKS, Transactions.CHECKS,
                Administration.CHECKS, Refusals.CHECKS)) {
            for (Map.Entry<String, Work> check : theme.entrySet()) {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("check", check.getKey());
                line.put("problem", null);
                try (Lab lab = new Lab(arguments[0], file, "java-" + check.getKey())) {
                    check.getValue().on(lab);
                } catch (Exception | AssertionError problem) {
                    line.put("problem", cause(problem) + " at " + cause(problem).getStackTrace()[0]);
                }
                System.out.println(json.writeValueAsString(line));
            }
        }
        System.exit(0);
    }

    /** What failed in a future. */
    static Throwable cause(Throwable problem) {
        boolean wrapped = problem instanceof ExecutionException || problem instanceof CompletionException;
        return wrapped && problem.getCause() != null ? problem.getCause() : problem;
    }

    /** A broker shows a change a moment after the controller agreed to it: ask until what is shown is right. */
    static void becomes(Attempt check) throws Exception {
        long end = System.nanoTime() + 10_000_000_000L;
        while (true) {
            try {
                check.run();
                return;
            } catch (AssertionError problem) {
                if (System.nanoTime() > end)
                    throw problem;
            }
            Thread.sleep(20);
        }
    }

    static void equal(String what, Object got, Object wanted) {
        if (!wanted.equals(got))
            throw new AssertionError(what + ": " + got + " instead of " + wanted);
    }

    /** Something that must fail. */
    interface Attempt {
        void run() throws Exception;
    }

    static void refused(Class<? extends Exception> wanted, Attempt attempt) {
        try {
            attempt.run();
        } catch (Exception problem) {
            equal("refused with " + cause(problem), cause(problem).getClass().getName(), wanted.getName());
            return;
        }
        throw new AssertionError("not refused with " + wanted.getName());
    }
}

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * An adapter to begin with: it speaks the protocol (spec/adapter.md), and its loader can do nothing yet. Your loader
 * goes where a comment says so; each function gets fields of the right form and returns the reply after its id.
 */
public final class Adapter {
    /** Thrown for a request that gets an error instead of an outcome. */
    private static final class Refusal extends Exception {
        Refusal(String error) {
            super(error);
        }
    }

    /** Says who you are. Name a feature only when its cases pass. */
    private static String hello() {
        return "\"outcome\": \"ok\", \"name\": \"kit-java\", \"version\": \"0\", \"protocol\": 1, \"features\": []";
    }

    /** Maps a file, checks header and directory, and gives out a handle. */
    private static String open(String path) throws Refusal {
        // Your loader: "outcome": "ok", "image": 1, or "outcome": "malformed" with a "rule".
        // If the operating system cannot open the path: throw new Refusal("bad-request").
        throw new Refusal("unsupported-command");
    }

    /** Makes a process of modules in their order; the image of the host module is null. */
    private static String link(List<String> names, List<Integer> images) throws Refusal {
        // Your loader: "outcome": "ok", "process": 1, or "outcome": "unlinkable".
        throw new Refusal("unsupported-command");
    }

    /** What `call` asks for: no function is the entry function; floats are bits, since a NaN has many. */
    private record Call(
            int process, String module, String function, List<Long> i, List<Long> n, long fuel, long depth) {}

    /** Calls a function. */
    private static String call(Call call) throws Refusal {
        // Your loader: "outcome": "ok", "i": ["1"], "n": ["3ff0000000000000"], "log": [], or
        // "outcome": "trap", "code": "divide-by-zero", "log": [].
        throw new Refusal("unsupported-command");
    }

    /** Forgets an image or a process. */
    private static String close(String kind, int handle) throws Refusal {
        // Your loader: "outcome": "ok".
        throw new Refusal("unsupported-command");
    }

    private static <T> T as(Class<T> kind, Object value) throws Refusal {
        if (!kind.isInstance(value)) throw new Refusal("bad-request");
        return kind.cast(value);
    }

    private static long number(Object value, String form, long most) throws Refusal {
        String text = value instanceof Json.Number number ? number.text() : as(String.class, value);
        try {
            if (text.matches(form) && Long.parseLong(text) <= most) return Long.parseLong(text);
        } catch (NumberFormatException tooLong) {
            throw new Refusal("bad-request");
        }
        throw new Refusal("bad-request");
    }

    private static int handle(Object value) throws Refusal {
        return (int) number(as(Json.Number.class, value), "[0-9]+", Integer.MAX_VALUE);
    }

    private static long amount(Object value) throws Refusal {
        return number(as(String.class, value), "0|[1-9][0-9]*", (1L << 53) - 1);
    }

    private static long bits(Object value) throws Refusal {
        String text = as(String.class, value);
        if (!text.matches("[0-9a-f]{16}")) throw new Refusal("bad-request");
        return Long.parseUnsignedLong(text, 16);
    }

    private static String dispatch(Map<?, ?> q) throws Refusal {
        switch (as(String.class, q.get("command"))) {
            case "hello":
                return hello();
            case "open":
                return open(as(String.class, q.get("path")));
            case "link":
                List<String> names = new ArrayList<>();
                List<Integer> images = new ArrayList<>();
                for (Object item : as(List.class, q.get("modules"))) {
                    Map<?, ?> entry = as(Map.class, item);
                    names.add(as(String.class, entry.get("name")));
                    images.add(Boolean.TRUE.equals(entry.get("host")) ? null : (Integer) handle(entry.get("image")));
                }
                return link(names, images);
            case "call":
                boolean entry = Boolean.TRUE.equals(q.get("entry"));
                List<Long> i = new ArrayList<>();
                List<Long> n = new ArrayList<>();
                for (Object x : as(List.class, q.get("i"))) {
                    i.add(number(as(String.class, x), "-?(0|[1-9][0-9]*)", Long.MAX_VALUE));
                }
                for (Object x : as(List.class, q.get("n"))) n.add(bits(x));
                String function = entry ? null : as(String.class, q.get("function"));
                return call(new Call(handle(q.get("process")), as(String.class, q.get("module")), function, i, n,
                        amount(q.get("fuel")), amount(q.get("depth"))));
            case "close":
                String kind = q.containsKey("image") ? "image" : "process";
                return close(kind, handle(q.get(kind)));
            default:
                throw new Refusal("unsupported-command");
        }
    }

    /** The reply to one line, whatever it holds. */
    private static String answer(byte[] line) {
        int id = 0;
        try {
            Map<?, ?> request = as(Map.class, Json.read(line));
            id = handle(request.get("id"));
            return "{\"id\": " + id + ", " + dispatch(request) + "}";
        } catch (Refusal refusal) {
            return "{\"id\": " + id + ", \"error\": \"" + refusal.getMessage() + "\"}";
        } catch (Json.SyntaxError error) {
            return "{\"id\": 0, \"error\": \"bad-request\"}";
        }
    }

    public static void main(String[] arguments) throws IOException {
        InputStream input = new BufferedInputStream(System.in, 1 << 16);
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = input.read(); next >= 0; next = input.read()) {
            if (next != '\n') {
                line.write(next);
                continue;
            }
            System.out.write((answer(line.toByteArray()) + "\n").getBytes(StandardCharsets.UTF_8));
            System.out.flush();
            line.reset();
        }
    }
}

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The smallest reader of JSON that an adapter needs: Map, List, String, Boolean, null, and Number for numbers. */
final class Json {
    private static final int DEEPEST = 64;

    /** A number as its text, so that nothing is rounded. */
    record Number(String text) {}

    /** Thrown for what is not JSON. */
    static final class SyntaxError extends Exception {}

    private final String text;
    private int at = 0;

    private Json(String text) {
        this.text = text;
    }

    /** The value of a whole line. */
    static Object read(byte[] line) throws SyntaxError {
        try {
            Json reader = new Json(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line)).toString());
            Object value = reader.value(0);
            reader.space();
            return reader.require(reader.at == reader.text.length(), value);
        } catch (CharacterCodingException notUtf8) {
            throw new SyntaxError();
        }
    }

    private <T> T require(boolean good, T value) throws SyntaxError {
        if (!good) throw new SyntaxError();
        return value;
    }

    private char peek() {
        return at < text.length() ? text.charAt(at) : 0;
    }

    private void space() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') at++;
    }

    private boolean take(String token) {
        boolean there = text.startsWith(token, at);
        at += there ? token.length() : 0;
        return there;
    }

    /** Takes a token with the space before it, if it is there. */
    private boolean sees(String token) {
        space();
        return take(token);
    }

    private Object value(int depth) throws SyntaxError {
        if (sees("{")) return object(depth);
        if (take("[")) return list(depth);
        if (peek() == '"') return string();
        if (take("true")) return true;
        if (take("false")) return false;
        return take("null") ? null : number();
    }

    private Map<String, Object> object(int depth) throws SyntaxError {
        Map<String, Object> fields = require(depth < DEEPEST, new HashMap<>());
        if (sees("}")) return fields;
        do {
            space();
            String name = string();
            require(sees(":"), name);
            fields.put(name, value(depth + 1));
        } while (sees(","));
        return require(take("}"), fields);
    }

    private List<Object> list(int depth) throws SyntaxError {
        List<Object> items = require(depth < DEEPEST, new ArrayList<>());
        if (sees("]")) return items;
        do {
            items.add(value(depth + 1));
        } while (sees(","));
        return require(take("]"), items);
    }

    private void digits() throws SyntaxError {
        require(peek() >= '0' && peek() <= '9', at);
        while (peek() >= '0' && peek() <= '9') at++;
    }

    private Number number() throws SyntaxError {
        int start = at;
        take("-");
        if (!take("0")) digits();
        if (take(".")) digits();
        if (take("e") || take("E")) {
            if (!take("-")) take("+");
            digits();
        }
        return new Number(text.substring(start, at));
    }

    private String string() throws SyntaxError {
        StringBuilder out = new StringBuilder();
        require(take("\""), out);
        while (!take("\"")) {
            char c = require(peek() >= ' ', peek());
            at++;
            out.append(c == '\\' ? escape() : c);
        }
        return out.toString();
    }

    private char escape() throws SyntaxError {
        int known = "\"\\/bfnrt".indexOf(peek());
        if (known >= 0 && at++ < text.length()) return "\"\\/\b\f\n\r\t".charAt(known);
        require(take("u"), at);
        int found = 0;
        for (int end = at + 4; at < end; at++) {
            int digit = "0123456789abcdef".indexOf(Character.toLowerCase(peek()));
            found = 16 * found + require(digit >= 0, digit);
        }
        return (char) found;
    }
}

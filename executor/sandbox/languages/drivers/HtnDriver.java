import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipFile;

/**
 * Calls a Java body once: the request is on descriptor 4, the answer goes to descriptor 3.
 *
 * <p>The method is looked for in the classes of the body, static or of a class that is made without arguments. Each
 * argument is converted to the type of the parameter in its place, and nothing is converted in silence.
 */
public final class HtnDriver {
    private static final int MAX_DEPTH = 200;

    private static final class NotPlain extends RuntimeException {
        NotPlain(String message) {
            super(message);
        }
    }

    private static final class Unfit extends RuntimeException {
        Unfit(String wanted, Object found) {
            super("wanted " + wanted + ", found " + (found == null ? "null" : found instanceof Map ? "an object"
                    : found instanceof List ? "a list" : found instanceof String ? "a text"
                    : found instanceof Boolean ? "a boolean" : "the number " + found));
        }
    }

    private static Object identity;

    public static void main(String[] words) throws Exception {
        byte[] text;
        try (FileInputStream request = new FileInputStream("/proc/self/fd/4")) {
            text = request.readAllBytes();
        }
        Map<?, ?> asked = (Map<?, ?>) new Reader(new String(text, StandardCharsets.UTF_8)).read();
        identity = asked.get("id");
        Thread caller = new Thread(null, () -> serve(words[0], asked), "body", 64L << 20);
        caller.start();
    }

    private static void serve(String archive, Map<?, ?> asked) {
        try {
            List<?> values = (List<?>) asked.get("values");
            Method method = find(archive, (String) asked.get("entry_point"), values.size());
            call(method, (List<?>) asked.get("names"), values);
        } catch (NotPlain problem) {
            fail("protocol", problem.getMessage(), "");
        } catch (OutOfMemoryError problem) {
            fail("memory", "the body needs more memory than its limit", "");
        } catch (LinkageError problem) {
            blame(problem);
        } catch (ReflectiveOperationException | RuntimeException | java.io.IOException problem) {
            fail("runtime", String.valueOf(problem.getMessage()), "");
        }
    }

    private static void call(Method method, List<?> names, List<?> values) throws ReflectiveOperationException {
        Type[] types = method.getGenericParameterTypes();
        Object[] arguments = new Object[types.length];
        String[] before = new String[types.length];
        for (int at = 0; at < types.length; at++) {
            try {
                arguments[at] = convert(values.get(at), types[at]);
            } catch (Unfit problem) {
                fail("runtime", "the argument " + names.get(at) + ": " + problem.getMessage(), "");
            }
            before[at] = written(arguments[at]);
        }
        Object result;
        try {
            Object owner = null;
            if (!Modifier.isStatic(method.getModifiers())) {
                Constructor<?> make = method.getDeclaringClass().getDeclaredConstructor();
                make.setAccessible(true);
                owner = make.newInstance();
            }
            method.setAccessible(true);
            result = method.invoke(owner, arguments);
        } catch (InvocationTargetException thrown) {
            blame(thrown.getCause());
            return;
        }
        String value = written(result);
        StringBuilder changed = new StringBuilder();
        for (int at = 0; at < types.length; at++) {
            String after = written(arguments[at]);
            if (!after.equals(before[at])) {
                changed.append(changed.length() > 0 ? "," : "").append(written(names.get(at))).append(":").append(after);
            }
        }
        answer("\"value\":" + value + ",\"arguments\":{" + changed + "}");
    }

    private static Method find(String archive, String wanted, int count) throws java.io.IOException {
        int dot = wanted.lastIndexOf('.');
        String owner = dot < 0 ? null : wanted.substring(0, dot);
        String name = wanted.substring(dot + 1);
        Method found = null;
        List<String> classes = new ArrayList<>();
        try (ZipFile zip = new ZipFile(archive)) {
            zip.stream().forEach(entry -> classes.add(entry.getName()));
        }
        for (String file : classes) {
            if (!file.endsWith(".class") || file.startsWith("HtnDriver")) continue;
            String type = file.substring(0, file.length() - 6).replace('/', '.');
            if (owner != null && !type.equals(owner) && !type.endsWith("." + owner) && !type.endsWith("$" + owner)) continue;
            for (Method method : declared(type)) {
                if (!method.getName().equals(name) || method.isSynthetic()) continue;
                if (method.getParameterCount() == count) return method;
                found = method;
            }
        }
        if (found == null) throw new IllegalArgumentException("the code defines no method " + wanted);
        throw new IllegalArgumentException(
                "the method takes " + found.getParameterCount() + " arguments and is given " + count);
    }

    private static Method[] declared(String type) {
        try {
            return Class.forName(type, false, HtnDriver.class.getClassLoader()).getDeclaredMethods();
        } catch (ClassNotFoundException problem) {
            return new Method[0];
        }
    }

    private static Object convert(Object value, Type type) {
        if (type instanceof GenericArrayType) {
            return array(value, ((GenericArrayType) type).getGenericComponentType());
        }
        if (type instanceof ParameterizedType) {
            ParameterizedType generic = (ParameterizedType) type;
            return container(value, (Class<?>) generic.getRawType(), generic.getActualTypeArguments());
        }
        if (!(type instanceof Class)) return natural(value);
        Class<?> wanted = (Class<?>) type;
        if (wanted.isArray()) return array(value, wanted.getComponentType());
        if (wanted == List.class || wanted == Map.class) return container(value, wanted, null);
        if (wanted.isRecord()) return record(value, wanted);
        if (wanted.isEnum()) return constant(value, wanted);
        if (value == null && !wanted.isPrimitive()) return null;
        return scalar(value, wanted);
    }

    private static Object scalar(Object value, Class<?> wanted) {
        if (wanted == boolean.class || wanted == Boolean.class) {
            if (value instanceof Boolean) return value;
        } else if (wanted == String.class || wanted == CharSequence.class) {
            if (value instanceof String) return value;
        } else if (wanted == char.class || wanted == Character.class) {
            if (value instanceof String && ((String) value).length() == 1) return ((String) value).charAt(0);
        } else if (wanted == double.class || wanted == Double.class) {
            if (value instanceof Number) return ((Number) value).doubleValue();
        } else if (wanted == float.class || wanted == Float.class) {
            if (value instanceof Number) return ((Number) value).floatValue();
        } else if (wanted == BigDecimal.class) {
            if (value instanceof BigInteger) return new BigDecimal((BigInteger) value);
            if (value instanceof Double) return new BigDecimal(value.toString());
        } else if (value instanceof BigInteger) {
            return integer((BigInteger) value, wanted);
        }
        if (wanted == Object.class || wanted == Number.class && value instanceof Number) return natural(value);
        throw new Unfit(wanted.getSimpleName(), value);
    }

    private static Object integer(BigInteger value, Class<?> wanted) {
        try {
            if (wanted == int.class || wanted == Integer.class) return value.intValueExact();
            if (wanted == long.class || wanted == Long.class) return value.longValueExact();
            if (wanted == short.class || wanted == Short.class) return value.shortValueExact();
            if (wanted == byte.class || wanted == Byte.class) return value.byteValueExact();
        } catch (ArithmeticException problem) {
            throw new Unfit(wanted.getSimpleName(), value);
        }
        if (wanted == BigInteger.class) return value;
        if (wanted == Object.class || wanted == Number.class) return natural(value);
        throw new Unfit(wanted.getSimpleName(), value);
    }

    private static Object container(Object value, Class<?> kind, Type[] of) {
        if (kind == Optional.class) return value == null ? Optional.empty() : Optional.of(convert(value, of[0]));
        if (value == null) return null;
        if (kind.isAssignableFrom(ArrayList.class)) {
            if (!(value instanceof List)) throw new Unfit("a list", value);
            List<Object> all = new ArrayList<>();
            for (Object each : (List<?>) value) all.add(of == null ? natural(each) : convert(each, of[0]));
            return all;
        }
        if (kind.isAssignableFrom(LinkedHashMap.class)) {
            if (!(value instanceof Map)) throw new Unfit("an object", value);
            Map<Object, Object> all = kind == java.util.TreeMap.class ? new java.util.TreeMap<>() : new LinkedHashMap<>();
            ((Map<?, ?>) value).forEach((key, each) -> all.put(key, of == null ? natural(each) : convert(each, of[1])));
            return all;
        }
        throw new Unfit(kind.getSimpleName() + " (List, Map, Optional, arrays and records are known)", value);
    }

    private static Object array(Object value, Type component) {
        if (value == null) return null;
        if (!(value instanceof List)) throw new Unfit("a list", value);
        List<?> all = (List<?>) value;
        Class<?> kind = component instanceof Class ? (Class<?>) component
                : component instanceof ParameterizedType ? (Class<?>) ((ParameterizedType) component).getRawType() : Object.class;
        Object made = Array.newInstance(kind, all.size());
        for (int at = 0; at < all.size(); at++) Array.set(made, at, convert(all.get(at), component));
        return made;
    }

    private static Object record(Object value, Class<?> wanted) {
        if (value == null) return null;
        if (!(value instanceof Map)) throw new Unfit("an object", value);
        RecordComponent[] parts = wanted.getRecordComponents();
        Class<?>[] types = new Class<?>[parts.length];
        Object[] values = new Object[parts.length];
        for (int at = 0; at < parts.length; at++) {
            types[at] = parts[at].getType();
            values[at] = convert(((Map<?, ?>) value).get(parts[at].getName()), parts[at].getGenericType());
        }
        try {
            Constructor<?> make = wanted.getDeclaredConstructor(types);
            make.setAccessible(true);
            return make.newInstance(values);
        } catch (ReflectiveOperationException problem) {
            throw new IllegalArgumentException(wanted.getSimpleName() + " cannot be made: " + problem.getCause());
        }
    }

    private static Object constant(Object value, Class<?> wanted) {
        for (Object each : wanted.getEnumConstants()) {
            if (((Enum<?>) each).name().equals(value)) return each;
        }
        throw new Unfit(wanted.getSimpleName(), value);
    }

    private static Object natural(Object value) {
        if (value instanceof BigInteger && ((BigInteger) value).bitLength() < 64) return ((BigInteger) value).longValue();
        if (value instanceof List) return container(value, List.class, null);
        if (value instanceof Map) return container(value, Map.class, null);
        return value;
    }

    private static String written(Object value) {
        StringBuilder out = new StringBuilder();
        write(out, value, 0);
        return out.toString();
    }

    private static void write(StringBuilder out, Object value, int depth) {
        if (depth > MAX_DEPTH) throw new NotPlain("the result is nested more than " + MAX_DEPTH + " levels deep");
        if (value == null || value instanceof Boolean || value instanceof BigInteger || value instanceof Integer
                || value instanceof Long || value instanceof Short || value instanceof Byte) {
            out.append(value);
        } else if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            if (Double.isNaN(number) || Double.isInfinite(number)) {
                throw new NotPlain("the result holds " + value + ", which JSON cannot hold");
            }
            out.append(value);
        } else if (value instanceof BigDecimal) {
            out.append(value);
        } else if (value instanceof CharSequence || value instanceof Character) {
            text(out, value.toString());
        } else if (value instanceof Enum) {
            text(out, ((Enum<?>) value).name());
        } else if (value instanceof Optional) {
            write(out, ((Optional<?>) value).orElse(null), depth);
        } else {
            parts(out, value, depth);
        }
    }

    private static void parts(StringBuilder out, Object value, int depth) {
        Map<Object, Object> entries = new LinkedHashMap<>();
        List<Object> all = new ArrayList<>();
        boolean object = value instanceof Map || value.getClass().isRecord();
        if (value instanceof Map) {
            entries.putAll((Map<?, ?>) value);
        } else if (object) {
            for (RecordComponent part : value.getClass().getRecordComponents()) {
                try {
                    part.getAccessor().setAccessible(true);
                    entries.put(part.getName(), part.getAccessor().invoke(value));
                } catch (ReflectiveOperationException problem) {
                    throw new NotPlain("the result holds a record whose " + part.getName() + " cannot be read");
                }
            }
        } else if (value instanceof List) {
            all.addAll((List<?>) value);
        } else if (value.getClass().isArray()) {
            for (int at = 0; at < Array.getLength(value); at++) all.add(Array.get(value, at));
        } else {
            throw new NotPlain("the result holds a " + value.getClass().getSimpleName() + ", which is not a JSON value");
        }
        out.append(object ? '{' : '[');
        String between = "";
        for (Object each : all) {
            out.append(between);
            write(out, each, depth + 1);
            between = ",";
        }
        for (Map.Entry<Object, Object> entry : entries.entrySet()) {
            if (!(entry.getKey() instanceof String)) throw new NotPlain("the result holds a key that is not a text");
            text(out.append(between), (String) entry.getKey());
            write(out.append(':'), entry.getValue(), depth + 1);
            between = ",";
        }
        out.append(object ? '}' : ']');
    }

    private static void text(StringBuilder out, String text) {
        out.append('"');
        for (int at = 0; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < 0x20 || Character.isSurrogate(c)) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        out.append('"');
    }

    private static void blame(Throwable thrown) {
        if (thrown instanceof OutOfMemoryError) fail("memory", "the body needs more memory than its limit", "");
        StringBuilder trace = new StringBuilder(thrown.toString());
        for (StackTraceElement frame : thrown.getStackTrace()) {
            if (frame.getClassName().contains("reflect.") || frame.getClassName().equals("HtnDriver")) break;
            if (trace.length() < 3500) trace.append("\n\tat ").append(frame);
        }
        boolean missing = thrown instanceof NoClassDefFoundError || thrown instanceof ClassNotFoundException;
        fail(missing ? "import" : "runtime", thrown.toString(), trace.toString());
    }

    private static void fail(String category, String message, String trace) {
        String short_ = message.length() > 2000 ? message.substring(0, 2000) : message;
        answer("\"problem\":" + written(List.of(category, short_, trace)));
    }

    private static void answer(String rest) {
        System.out.flush();
        System.err.flush();
        String message = "{\"id\":" + written(identity) + "," + rest + "}";
        try (FileOutputStream answer = new FileOutputStream("/proc/self/fd/3")) {
            answer.write(message.getBytes(StandardCharsets.UTF_8));
        } catch (java.io.IOException problem) {
            Runtime.getRuntime().halt(97);
        }
        Runtime.getRuntime().halt(0);
    }

    /** Reads JSON: the host wrote it, so only its shape is looked at. Integers are BigInteger, other numbers Double. */
    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        Object read() {
            blank();
            switch (text.charAt(at)) {
                case '{':
                    return object();
                case '[':
                    return list();
                case '"':
                    return string();
                case 't':
                    at += 4;
                    return true;
                case 'f':
                    at += 5;
                    return false;
                case 'n':
                    at += 4;
                    return null;
                default:
                    return number();
            }
        }

        private void blank() {
            while (Character.isWhitespace(text.charAt(at))) at++;
        }

        private boolean more(char end) {
            blank();
            if (text.charAt(at) == ',') at++;
            blank();
            if (text.charAt(at) != end) return true;
            at++;
            return false;
        }

        private Map<String, Object> object() {
            Map<String, Object> found = new LinkedHashMap<>();
            at++;
            while (more('}')) {
                String key = string();
                blank();
                at++;
                found.put(key, read());
            }
            return found;
        }

        private List<Object> list() {
            List<Object> found = new ArrayList<>();
            at++;
            while (more(']')) found.add(read());
            return Collections.unmodifiableList(found);
        }

        private String string() {
            StringBuilder found = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                char c = text.charAt(at);
                if (c != '\\') {
                    found.append(c);
                    continue;
                }
                c = text.charAt(++at);
                if (c == 'u') {
                    found.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                    at += 4;
                } else {
                    int known = "bfnrt".indexOf(c);
                    found.append(known < 0 ? c : "\b\f\n\r\t".charAt(known));
                }
            }
            at++;
            return found.toString();
        }

        private Object number() {
            int start = at;
            while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) at++;
            String found = text.substring(start, at);
            boolean whole = found.indexOf('.') < 0 && found.indexOf('e') < 0 && found.indexOf('E') < 0;
            return whole ? (Object) new BigInteger(found) : (Object) Double.valueOf(found);
        }
    }
}

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Runs another class's main and ends the whole JVM as soon as standard input ends.
 *
 * The pipe into a tool closes when the process that started it ends, however that happens, so no tool outlives whoever
 * asked for it. What comes in is handed on, for tools that read standard input themselves.
 *
 * Usage: java -cp ... Attended MAIN-CLASS [ARGUMENT ...]
 */
public final class Attended extends InputStream implements Runnable {
    private final InputStream source;
    private final BlockingQueue<byte[]> waiting = new LinkedBlockingQueue<byte[]>();
    private byte[] current = new byte[0];
    private int next = 0;

    private Attended(InputStream source) {
        this.source = source;
    }

    public static void main(String[] arguments) throws Throwable {
        Attended input = new Attended(System.in);
        System.setIn(input);
        Thread attendant = new Thread(input, "attendant");
        attendant.setDaemon(true);
        attendant.start();
        String[] rest = Arrays.copyOfRange(arguments, 1, arguments.length);
        Class.forName(arguments[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
    }

    @Override
    public void run() {
        byte[] buffer = new byte[1 << 16];
        try {
            for (int count = source.read(buffer); count >= 0; count = source.read(buffer)) {
                waiting.add(Arrays.copyOf(buffer, count));
            }
        } catch (IOException broken) {
            // a broken pipe is an end like any other
        }
        Runtime.getRuntime().halt(0);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        read(one, 0, 1);
        return one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        while (next == current.length) {
            try {
                current = waiting.take();
            } catch (InterruptedException stopped) {
                throw new IOException(stopped);
            }
            next = 0;
        }
        int count = Math.min(length, current.length - next);
        System.arraycopy(current, next, target, offset, count);
        next += count;
        return count;
    }

    @Override
    public int available() {
        return current.length - next;
    }
}

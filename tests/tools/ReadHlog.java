/*
 * Reads .hlog files with HdrHistogram's own reader, as a judge of what ours writes.
 *
 * usage: java -cp HdrHistogram.jar ReadHlog.java FILE...
 *
 * A line a file: its name, its lines, the first and the last second of its lines, then of all lines added up
 * count, p50, p90, p99, p99.9 and the maximum. All files in one go, since starting takes a second.
 */
import java.io.File;
import org.HdrHistogram.EncodableHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;

public class ReadHlog {
    public static void main(String[] paths) throws Exception {
        for (String path : paths) {
            System.out.println(new File(path).getName() + " " + read(path));
        }
    }

    private static String read(String path) throws Exception {
        Histogram sum = null;
        int lines = 0;
        double start = 0, first = -1, last = -1;
        HistogramLogReader reader = new HistogramLogReader(path);
        while (reader.hasNext()) {
            EncodableHistogram interval = reader.nextIntervalHistogram();
            start = reader.getStartTimeSec();
            last = interval.getEndTimeStamp() / 1000.0 - start;
            first = first < 0 ? interval.getStartTimeStamp() / 1000.0 - start : first;
            Histogram one = (Histogram) interval;
            sum = sum == null ? new Histogram(one.getNumberOfSignificantValueDigits()) : sum;
            sum.add(one);
            lines++;
        }
        StringBuilder text = new StringBuilder();
        text.append(lines + " " + start + " " + first + " " + last + " " + sum.getTotalCount());
        for (double percentile : new double[] {50, 90, 99, 99.9}) {
            text.append(" " + sum.getValueAtPercentile(percentile));
        }
        return text + " " + sum.getMaxValue();
    }
}

// Answers each line of stdin with one line: "ok" or "error", a tab, and what was parsed.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

class Lines {
  interface Parser {
    String parse(String line) throws Exception;
  }

  static void answer(Parser parser) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line; (line = in.readLine()) != null; ) {
      String answer;
      try {
        answer = "ok\t" + parser.parse(line);
      } catch (Exception error) {
        answer = "error\t" + error;
      }
      out.println(answer.replaceAll("[\\r\\n\\u0085\\u2028\\u2029]+", " "));
    }
  }
}

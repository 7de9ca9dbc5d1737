import java.io.Reader;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.script.AbstractScriptEngine;
import javax.script.Bindings;
import javax.script.ScriptContext;
import javax.script.ScriptEngine;
import javax.script.ScriptEngineFactory;
import javax.script.SimpleBindings;

/**
 * The script engine that SPICE asks for under the name JavaScript, which Java has not had since version 15.
 *
 * SPICE wants one thing of it: to pretty-print the text in the variable jsonString into the variable result. This one
 * hands the text over as it is, which reads the same.
 */
public final class PlainText extends AbstractScriptEngine implements ScriptEngineFactory {
    @Override
    public Object eval(String script, ScriptContext context) {
        Bindings variables = context.getBindings(ScriptContext.ENGINE_SCOPE);
        Object text = variables.get("jsonString");
        variables.put("result", text);
        return text;
    }

    @Override
    public Object eval(Reader reader, ScriptContext context) {
        return eval("", context);
    }

    @Override
    public Bindings createBindings() {
        return new SimpleBindings();
    }

    @Override
    public ScriptEngineFactory getFactory() {
        return this;
    }

    @Override
    public ScriptEngine getScriptEngine() {
        return new PlainText();
    }

    @Override
    public List<String> getNames() {
        return Arrays.asList("JavaScript");
    }

    @Override
    public List<String> getExtensions() {
        return Collections.emptyList();
    }

    @Override
    public List<String> getMimeTypes() {
        return Collections.emptyList();
    }

    @Override
    public String getEngineName() {
        return "PlainText";
    }

    @Override
    public String getEngineVersion() {
        return "1";
    }

    @Override
    public String getLanguageName() {
        return "none";
    }

    @Override
    public String getLanguageVersion() {
        return "1";
    }

    @Override
    public Object getParameter(String key) {
        return null;
    }

    @Override
    public String getMethodCallSyntax(String object, String method, String... arguments) {
        return "";
    }

    @Override
    public String getOutputStatement(String text) {
        return "";
    }

    @Override
    public String getProgram(String... statements) {
        return "";
    }
}

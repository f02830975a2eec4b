/* report/page.c: writes the parts of a page. */
#include "report/page.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include <jansson.h>
#include <neap/error.h>

#include "report/assets.h"
#include "report/json.h"
#include "report/markup.h"

void neap_page_begin(FILE *out, const char *title) {
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          out);
    neap_markup_text(title, out);
    fprintf(out, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<main>\n", neap__asset_dygraph_css,
            neap__asset_page_css);
    fputs("<header><h1>", out);
    neap_markup_text(title, out);
    fputs("</h1><button type=\"button\" id=\"theme\" hidden>Dark</button></header>\n", out);
}

void neap_page_heading(FILE *out, const char *text) {
    fputs("<h2>", out);
    neap_markup_text(text, out);
    fputs("</h2>\n", out);
}

void neap_page_note(FILE *out, const char *format, ...) {
    char *text;
    va_list values;
    va_start(values, format);
    int length = vasprintf(&text, format, values);
    va_end(values);
    if (length < 0)
        return;
    fputs("<p>", out);
    neap_markup_text(text, out);
    fputs("</p>\n", out);
    free(text);
}

void neap_page_code(FILE *out, const char *text) {
    fputs("<pre><code>", out);
    neap_markup_text(text, out);
    fputs("</code></pre>\n", out);
}

/* --- charts ------------------------------------------------------------ */

static json_t *values_json(const double *values, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, isnan(values[i]) ? json_null() : json_real(values[i]));
    return array;
}

static json_t *chart_json(const struct neap_chart *chart) {
    json_t *lines = json_array();
    for (size_t i = 0; i < chart->line_count; i++) {
        const struct neap_chart_line *line = &chart->lines[i];
        json_array_append_new(lines, json_pack("{s:o, s:s, s:b, s:o}", "name", neap_json_text(line->name),
                                               "colour", line->colour, "strong", line->strong, "values",
                                               values_json(line->values, chart->count)));
    }
    return json_pack("{s:o, s:s, s:s, s:f, s:i, s:o}", "name", neap_json_text(chart->name), "x",
                     chart->x_title, "y", chart->y_title, "step", chart->x_step, "count", (int)chart->count,
                     "lines", lines);
}

int neap_page_charts(FILE *out, const struct neap_chart *charts, size_t count) {
    assert(count > 0);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, chart_json(&charts[i]));
    fputs(
        "<figure class=\"charts\">\n<div class=\"kinds\" role=\"group\" aria-label=\"What is drawn\"></div>\n"
        "<div class=\"legend\"></div>\n<div class=\"plot\"></div>\n",
        out);
    int error = json_array_size(array) == count ? neap_json_script(out, array) : NEAP_ERROR_MEMORY;
    fputs("<noscript>\n", out);
    neap_chart_svg(&charts[0], out);
    fputs("</noscript>\n</figure>\n", out);
    json_decref(array);
    return error;
}

void neap_page_end(FILE *out) {
    fputs("<details class=\"licence\"><summary>Charts by dygraphs</summary>\n<pre>", out);
    neap_markup_text(neap__asset_dygraph_licence, out);
    fputs("</pre></details>\n</main>\n", out);
    fprintf(out, "<script>\n%s\n</script>\n<script>\n%s</script>\n</body>\n</html>\n", neap__asset_dygraph_js,
            neap__asset_page_js);
}

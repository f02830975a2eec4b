/* report/chart.c: draws a chart as SVG. */
#include "report/chart.h"

#include <math.h>
#include <string.h>

#include "report/axis.h"
#include "report/markup.h"
#include "report/terminal.h"

#define DIM "fill=\"#57606a\""

enum {
    WIDTH = 800,
    HEIGHT = 400,
    LEFT = 62,
    TOP = 74,
    BOTTOM = 50,
    LABEL_GAP = 17, /* between two labels, from baseline to baseline */
    LABELS_MAX = 16,
    TEXT_UNITS = 7, /* mean width of a character of a label */
};

/* The position of the plot, and its scales. */
struct plot {
    double right, x_scale, y_scale, bottom;
};

static double x_of(const struct plot *plot, const struct neap_chart *chart, size_t i) {
    return LEFT + (double)i * chart->x_step * plot->x_scale;
}

static double y_of(const struct plot *plot, double value) {
    return plot->bottom - value * plot->y_scale;
}

double neap_chart_most(const struct neap_chart *chart) {
    double most = 0;
    for (size_t i = 0; i < chart->line_count; i++)
        for (size_t n = 0; n < chart->count; n++)
            if (chart->lines[i].values[n] > most)
                most = chart->lines[i].values[n];
    return most;
}

static void text_write(FILE *out, double x, double y, const char *attributes, const char *text) {
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    neap_markup_text(text, out);
    fputs("</text>\n", out);
}

/* --- lines ------------------------------------------------------------- */

/* Finds the last value of a line; false if it has none. */
static bool line_end(const struct neap_chart *chart, const struct neap_chart_line *line, size_t *end) {
    for (size_t i = chart->count; i-- > 0;)
        if (!isnan(line->values[i])) {
            *end = i;
            return true;
        }
    return false;
}

/* Whether point i is visibly on the same level as both neighbours. */
static bool is_level(const struct plot *plot, const double *values, size_t i, size_t count) {
    const double visible = 0.15;
    return i > 0 && i + 1 < count && fabs(values[i] - values[i - 1]) * plot->y_scale < visible &&
           fabs(values[i] - values[i + 1]) * plot->y_scale < visible;
}

static void line_draw(const struct plot *plot, const struct neap_chart *chart,
                      const struct neap_chart_line *line, FILE *out) {
    fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" stroke-linejoin=\"round\" d=\"",
            line->colour, line->strong ? "3" : "1.75");
    bool pen_down = false;
    for (size_t i = 0; i < chart->count; i++) {
        if (isnan(line->values[i])) {
            pen_down = false;
            continue;
        }
        if (pen_down && is_level(plot, line->values, i, chart->count))
            continue;
        fprintf(out, "%c%.1f %.1f", pen_down ? 'L' : 'M', x_of(plot, chart, i), y_of(plot, line->values[i]));
        pen_down = true;
    }
    fputs("\"/>\n", out);
}

/* --- labels at the ends ------------------------------------------------ */

struct label {
    const struct neap_chart_line *line;
    double x, y; /* end of the line */
    double at_y; /* position of the label */
};

/* Labels in the order of their height. */
static size_t labels_collect(const struct plot *plot, const struct neap_chart *chart, struct label *labels) {
    size_t count = 0, end;
    for (size_t i = 0; i < chart->line_count && count < LABELS_MAX; i++) {
        const struct neap_chart_line *line = &chart->lines[i];
        if (!line_end(chart, line, &end))
            continue;
        struct label label = {line, x_of(plot, chart, end), y_of(plot, line->values[end]), 0};
        size_t place = count++;
        for (; place > 0 && labels[place - 1].y > label.y; place--)
            labels[place] = labels[place - 1];
        labels[place] = label;
    }
    return count;
}

/* Moves labels apart: down from the top, then up from the bottom. */
static void labels_spread(const struct plot *plot, struct label *labels, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double least = i ? labels[i - 1].at_y + LABEL_GAP : TOP;
        labels[i].at_y = fmax(labels[i].y, least);
    }
    double most = plot->bottom;
    for (size_t i = count; i-- > 0;) {
        labels[i].at_y = fmin(labels[i].at_y, most);
        most = labels[i].at_y - LABEL_GAP;
    }
}

static void labels_draw(const struct plot *plot, const struct neap_chart *chart, FILE *out) {
    struct label labels[LABELS_MAX];
    size_t count = labels_collect(plot, chart, labels);
    labels_spread(plot, labels, count);
    for (size_t i = 0; i < count; i++) {
        const struct neap_chart_line *line = labels[i].line;
        char attributes[96];
        fprintf(out,
                "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1\" stroke-opacity=\".55\" "
                "stroke-dasharray=\"2 3\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1f\"/>\n",
                line->colour, labels[i].x, labels[i].y, plot->right, labels[i].y, plot->right + 12,
                labels[i].at_y);
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"/>\n", labels[i].x, labels[i].y,
                line->strong ? "4" : "3", line->colour);
        snprintf(attributes, sizeof(attributes), "fill=\"%s\"%s", line->colour,
                 line->strong ? " font-weight=\"700\"" : "");
        text_write(out, plot->right + 16, labels[i].at_y + 4.5, attributes, line->label);
    }
}

/* --- frame ------------------------------------------------------------- */

static struct plot plot_make(const struct neap_chart *chart, const struct neap_axis *y) {
    unsigned longest = 0;
    for (size_t i = 0; i < chart->line_count; i++) {
        unsigned columns = neap_terminal_text_columns(chart->lines[i].label);
        longest = columns > longest ? columns : longest;
    }
    struct plot plot = {.right = WIDTH - 34 - (double)longest * TEXT_UNITS, .bottom = HEIGHT - BOTTOM};
    double x_most = chart->count > 1 ? (double)(chart->count - 1) * chart->x_step : 1;
    plot.x_scale = (plot.right - LEFT) / x_most;
    plot.y_scale = (plot.bottom - TOP) / ((double)(y->marks - 1) * y->step);
    return plot;
}

static void frame_draw(const struct plot *plot, const struct neap_chart *chart, const struct neap_axis *y,
                       FILE *out) {
    char mark[32];
    for (size_t i = 0; i < y->marks; i++) {
        double value = (double)i * y->step, at = y_of(plot, value);
        fprintf(out, "<path stroke=\"%s\" d=\"M%d %.1fH%.1f\"/>\n", i ? "#e4e7eb" : "#8b949e", LEFT, at,
                plot->right);
        snprintf(mark, sizeof(mark), "%.*f", y->decimals, value);
        text_write(out, LEFT - 8, at + 4.5, DIM " text-anchor=\"end\"", mark);
    }
    struct neap_axis x = neap_axis_make((double)(chart->count ? chart->count - 1 : 0) * chart->x_step, 7, 0);
    for (size_t i = 0; i < x.marks; i++) {
        double value = (double)i * x.step, at = LEFT + value * plot->x_scale;
        fprintf(out, "<path stroke=\"#8b949e\" d=\"M%.1f %.1fv5\"/>\n", at, plot->bottom);
        snprintf(mark, sizeof(mark), "%.*f", x.decimals, value);
        text_write(out, at, plot->bottom + 20, DIM " text-anchor=\"middle\"", mark);
    }
    text_write(out, (LEFT + plot->right) / 2, HEIGHT - 11, DIM " text-anchor=\"middle\"", chart->x_title);
    text_write(out, LEFT - 8, TOP - 13, DIM " text-anchor=\"end\"", chart->y_title);
}

void neap_chart_svg(const struct neap_chart *chart, FILE *stream) {
    struct neap_axis y = neap_axis_make(neap_chart_most(chart), 6, 1);
    struct plot plot = plot_make(chart, &y);
    fprintf(stream,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
            "role=\"img\" font-family=\"system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif\" "
            "font-size=\"13\">\n<title>",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    neap_markup_text(chart->title, stream);
    fprintf(stream,
            "</title>\n<rect x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" "
            "rx=\"8\" fill=\"#fff\" stroke=\"#d0d7de\"/>\n",
            WIDTH - 1, HEIGHT - 1);
    text_write(stream, 16, 27, "fill=\"#1f2328\" font-size=\"16\" font-weight=\"600\"", chart->title);
    text_write(stream, 16, 45, DIM, chart->note);
    frame_draw(&plot, chart, &y, stream);
    for (int strong = 0; strong < 2; strong++) /* strong lines are drawn last, on top */
        for (size_t i = 0; i < chart->line_count; i++)
            if (chart->lines[i].strong == (strong == 1))
                line_draw(&plot, chart, &chart->lines[i], stream);
    labels_draw(&plot, chart, stream);
    fputs("</svg>\n", stream);
}

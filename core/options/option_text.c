/* option_text.c: what people read about a program's options, made from its table. See
 * option_text.h.
 */
#include "core/options/option_text.h"

#include <string.h>

/* Columns of --help. */
enum { HELP_COLUMN = 34, HELP_WIDTH = 98, HELP_TEXT_MAX = 512 };

/* Rows of a group need not stand together in the table; the first of them brings its heading. */
static bool begins_group(const struct option_table *table, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(table->rows[i].group, table->rows[index].group) == 0) {
            return false;
        }
    }
    return true;
}

static void print_rows_of_group(FILE *out, const struct option_table *table, const char *group,
                                void (*print)(FILE *out, const struct option_row *row))
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].group, group) == 0) {
            print(out, &table->rows[i]);
        }
    }
}

/* The help text, then what is accepted and the default. */
static void describe_option(const struct option_row *row, char out[HELP_TEXT_MAX])
{
    char range[128] = "";
    char fallback[128] = "";
    if (row->kind == OPTION_CHOICE) {
        struct bytes words = bytes_of(row->minimum);
        struct bytes word;
        for (size_t len = 0; len < sizeof(range) && option_next_word(&words, &word);) {
            const char *joint = len > 0 ? ", " : "";
            len += (size_t)snprintf(range + len, sizeof(range) - len, "%s%.*s", joint,
                                    (int)word.len, word.at);
        }
    } else if (row->maximum[0] != '\0') {
        snprintf(range, sizeof(range), "%s to %s", row->minimum, row->maximum);
    }
    if (row->fallback[0] != '\0') {
        const char *joint = range[0] != '\0' ? "; default " : "default ";
        snprintf(fallback, sizeof(fallback), "%s%s", joint, row->fallback);
    }
    bool any = range[0] != '\0' || fallback[0] != '\0';
    snprintf(out, HELP_TEXT_MAX, "%s%s%s%s%s", row->help, any ? " (" : "", range, fallback,
             any ? ")" : "");
}

/* From HELP_COLUMN to HELP_WIDTH, broken at spaces; ends the line. */
static void print_wrapped(FILE *out, const char *text)
{
    size_t width = HELP_WIDTH - HELP_COLUMN;
    while (strlen(text) > width) {
        size_t cut = width;
        while (cut > 0 && text[cut] != ' ') {
            cut--;
        }
        if (cut == 0) {
            cut = strcspn(text, " "); /* a word longer than the column */
        }
        fprintf(out, "%.*s\n%*s", (int)cut, text, HELP_COLUMN, "");
        text += cut;
        text += strspn(text, " ");
    }
    fprintf(out, "%s\n", text);
}

static void print_help_row(FILE *out, const struct option_row *row)
{
    char names[HELP_COLUMN * 2];
    char letter[8] = "    ";
    if (row->letter != 0) {
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    }
    int len = snprintf(names, sizeof(names), "  %s--%s%s%s", letter, row->name,
                       row->kind == OPTION_FLAG ? "" : " ", row->metavar);
    fputs(names, out);
    if (len > HELP_COLUMN - 2) {
        fputc('\n', out);
        len = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - len, "");
    char text[HELP_TEXT_MAX];
    describe_option(row, text);
    print_wrapped(out, text);
}

void option_text_help(FILE *out, const struct option_table *table)
{
    fputs(table->usage, out);
    for (size_t i = 0; i < table->count; i++) {
        if (begins_group(table, i)) {
            fprintf(out, "\n%s:\n", table->rows[i].group);
            print_rows_of_group(out, table, table->rows[i].group, print_help_row);
        }
    }
}

void option_text_json(FILE *out, const struct option_table *table, const void *values)
{
    struct json json;
    json_begin(&json, out);
    option_text_json_object(&json, NULL, table, values);
}

static void print_json_texts(struct json *json, const struct option_row *row,
                             const struct option_texts *list)
{
    json_begin_array(json, row->name);
    for (unsigned i = 0; i < list->count; i++) {
        json_text(json, NULL, list->at[i]);
    }
    json_end(json);
}

/* The word, with its number where it takes one: "spin:50". */
static void print_json_choice(struct json *json, const struct option_table *table,
                              const struct option_row *row, const void *values)
{
    struct bytes words = bytes_of(row->minimum);
    struct bytes word = {"", 0};
    for (uint64_t left = option_number(row, values) + 1; left > 0; left--) {
        (void)option_next_word(&words, &word); /* the value is the index of one of the words */
    }
    char text[64];
    const char *colon = memchr(word.at, ':', word.len);
    if (colon != NULL) {
        snprintf(text, sizeof(text), "%.*s:%llu", (int)(colon - word.at), word.at,
                 (unsigned long long)(option_choice_number(table, values) / 1000));
    } else {
        snprintf(text, sizeof(text), "%.*s", (int)word.len, word.at);
    }
    json_text(json, row->name, text);
}

static void print_json_time(struct json *json, const struct option_row *row, uint64_t ns)
{
    char text[OPTION_TIME_TEXT];
    option_format_time(ns, text);
    json_text(json, row->name, text);
}

static void print_json_row(struct json *json, const struct option_table *table,
                           const struct option_row *row, const void *values)
{
    bool unset = row->fallback[0] == '\0';
    switch (row->kind) {
    case OPTION_ADDRS:
    case OPTION_TEXTS:
        print_json_texts(json, row, option_texts(row, values));
        return;
    case OPTION_PATH:
    case OPTION_TEXT:
        json_text(json, row->name, option_text(row, values));
        return;
    case OPTION_CHOICE:
        print_json_choice(json, table, row, values);
        return;
    case OPTION_FLAG:
        json_bool(json, row->name, option_flag(row, values));
        return;
    case OPTION_COUNT:
    case OPTION_TIME:
    case OPTION_SIZE:
        break;
    }
    uint64_t value = option_number(row, values);
    if (value == 0 && unset) {
        json_text(json, row->name, NULL);
    } else if (row->kind == OPTION_TIME) {
        print_json_time(json, row, value);
    } else {
        json_number(json, row->name, value);
    }
}

void option_text_json_object(struct json *json, const char *key, const struct option_table *table,
                             const void *values)
{
    json_begin_object(json, key);
    for (size_t i = 0; i < table->count; i++) {
        if (!option_is_action(&table->rows[i])) {
            print_json_row(json, table, &table->rows[i], values);
        }
    }
    json_end(json);
}

/* Text in which nothing is a roff request: a '-' that can be copied as one, a backslash, and a dot
 * or quote at the start of a line. */
static void print_roff(FILE *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'') {
        fputs("\\&", out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            fputs("\\e", out);
        } else if (*text == '-') {
            fputs("\\-", out);
        } else if (*text == '\'') {
            fputs("\\(aq", out);
        } else {
            fputc(*text, out);
        }
    }
}

static void print_names(FILE *out, const struct option_row *row, const char *separator)
{
    if (row->letter != 0) {
        fprintf(out, "\\-%c%s", row->letter, separator);
    }
    fputs("\\-\\-", out);
    print_roff(out, row->name);
}

static void print_man_row(FILE *out, const struct option_row *row)
{
    fputs(".TP\n.BR ", out);
    print_names(out, row, " \", \" ");
    if (row->kind != OPTION_FLAG) {
        fputs(" \" \\fI", out);
        print_roff(out, row->metavar);
        fputs("\\fP\"", out);
    }
    fputc('\n', out);
    char text[HELP_TEXT_MAX];
    describe_option(row, text);
    print_roff(out, text);
    fputs(".\n", out);
}

void option_text_man(FILE *out, const struct option_table *table)
{
    fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < table->count; i++) {
        if (begins_group(table, i)) {
            fputs(".SS ", out);
            print_roff(out, table->rows[i].group);
            fputc('\n', out);
            print_rows_of_group(out, table, table->rows[i].group, print_man_row);
        }
    }
}

static void print_completion_words(FILE *out, const struct option_row *row)
{
    fputs("        COMPREPLY=($(compgen -W '", out);
    struct bytes words = bytes_of(row->minimum);
    struct bytes word;
    for (const char *joint = ""; option_next_word(&words, &word); joint = " ") {
        fprintf(out, "%s%.*s", joint, (int)word.len, word.at);
    }
    fputs("' -- \"$cur\"))\n", out);
}

/* What follows this option: words, directories, files, or nothing that a shell could know. */
static void print_completion_case(FILE *out, const struct option_row *row)
{
    fputs("    ", out);
    if (row->letter != 0) {
        fprintf(out, "-%c | ", row->letter);
    }
    fprintf(out, "--%s)\n", row->name);
    if (row->kind == OPTION_CHOICE) {
        print_completion_words(out, row);
    } else if (row->kind == OPTION_PATH) {
        fprintf(out,
                "        compopt -o filenames\n        mapfile -t COMPREPLY < <(compgen %s -- "
                "\"$cur\")\n",
                strcmp(row->metavar, "DIR") == 0 ? "-d" : "-f");
    }
    fputs("        return\n        ;;\n", out);
}

void option_text_completion(FILE *out, const struct option_table *table)
{
    fprintf(out,
            "# bash completion for %s, made from its table of options.\n"
            "_%s()\n"
            "{\n",
            table->program, table->program);
    fputs("    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    # bash makes a word of the '=' in --name=value.\n"
          "    if [[ $cur == = ]]; then\n"
          "        cur=\n"
          "    elif [[ $prev == = && $COMP_CWORD -ge 2 ]]; then\n"
          "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
          "    fi\n"
          "    COMPREPLY=()\n"
          "    case $prev in\n",
          out);
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].kind != OPTION_FLAG) {
            print_completion_case(out, &table->rows[i]);
        }
    }
    fputs("    esac\n"
          "    COMPREPLY=($(compgen -W '",
          out);
    for (size_t i = 0; i < table->count; i++) {
        fprintf(out, "%s--%s", i > 0 ? " " : "", table->rows[i].name);
    }
    fprintf(out,
            "' -- \"$cur\"))\n"
            "}\n"
            "complete -F _%s %s\n",
            table->program, table->program);
}

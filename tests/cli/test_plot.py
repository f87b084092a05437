"""Tests of quantctl plot and recommend, on catalogs that are made up row by row.
Usage: test_plot.py PATH_OF_QUANTCTL [unittest arguments]."""
import html.parser
import json
import math
import os
import re
import sqlite3
import sys
import unittest
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True   # The sources stay as they are.
import cli_support
from cli_support import MODEL, CliCase, model_folder

SVG = '{http://www.w3.org/2000/svg}'
VOID = {'meta', 'link', 'br', 'img', 'hr', 'input', 'area', 'base', 'col', 'embed', 'source', 'track', 'wbr'}
HOSTILE = '<script>alert("1")</script>&\'\x01\u202e'


class Page(html.parser.HTMLParser):
    """A page as a list of (tag, attributes), with the text of each; it must nest."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.stack, self.texts, self.wrong = [], [], {}, []
        self.feed(text)
        self.close()
        if self.stack:
            self.wrong.append('left open: %s' % [self.elements[i][0] for i in self.stack])

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.stack.append(len(self.elements) - 1)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.stack or self.elements[self.stack[-1]][0] != tag:
            self.wrong.append('</%s>' % tag)
        else:
            self.stack.pop()

    def handle_data(self, data):
        for i in self.stack:
            self.texts[i] = self.texts.get(i, '') + data

    def all(self, tag, **wanted):
        return [(attributes, self.texts.get(i, '')) for i, (name, attributes) in enumerate(self.elements)
                if name == tag and all(attributes.get(k.rstrip('_')) == v for k, v in wanted.items())]


def with_class(root, tag, name):
    return [e for e in root.iter(SVG + tag) if name in e.get('class', '').split()]


def label_box(element, size=13.0):
    """Where a label's text is, in a font whose characters are 0.6 of its size wide."""
    x, y = float(element.get('x')), float(element.get('y'))
    width = len(element.text) * 0.6 * size
    return x, y - 0.75 * size, x + width, y + 0.25 * size


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


class MadeUp(CliCase):
    """A catalog whose rows were copied from one real variant and then changed."""

    def setUp(self):
        super().setUp()
        self.quantized('Q4_0')
        self.ok('eval', MODEL + ':Q4_0', '--chunks', '2', '--ctx', '64', '--no-bench')
        self.db = sqlite3.connect(self.path('home', 'catalog.db'))
        self.addCleanup(self.db.close)
        self.model_id, self.q4_id = self.db.execute("SELECT model_id, id FROM variants WHERE name = 'Q4_0'").fetchone()

    def copied(self, table, where, **changes):
        """A copy of the first row of a table that meets `where`; returns its id."""
        columns = [r[1] for r in self.db.execute('PRAGMA table_info(%s)' % table) if r[1] != 'id']
        row = dict(zip(columns, self.db.execute('SELECT %s FROM %s WHERE %s' % (','.join(columns), table, where))
                       .fetchone()))
        row.update(changes)
        done = self.db.execute('INSERT INTO %s (%s) VALUES (%s)' % (table, ','.join(row), ','.join('?' * len(row))),
                               list(row.values()))
        return done.lastrowid

    def add(self, name, size, loss, se=None, **measurement):
        """A variant of `size` bytes; with a measurement unless `loss` is None."""
        made = self.copied('variants', 'id = %d' % self.q4_id, name=name, bytes=size, type=name,
                           bits_per_weight=8 * size / 5.25e6)
        if loss is not None:
            self.copied('measurements', 'variant_id = %d' % self.q4_id, variant_id=made, kld_mean=loss,
                        kld_se=loss / 20 if se is None else se, **measurement)
        return made

    def only(self, rows):
        """These variants instead of Q4_0, whose measurement then differs from theirs."""
        for row in rows:
            self.add(*row)
        self.db.execute('DELETE FROM variants WHERE id = ?', (self.q4_id,))
        self.db.commit()

    def plot(self, *args):
        self.ok('plot', MODEL, '--output', 'p.html', '--svg', 'p.svg', *args)
        text = self.read('p.html').decode()
        page = Page(text)
        self.assertEqual(page.wrong, [])
        svg = xml.fromstring(self.read('p.svg'))
        return page, svg, text

    def check_labels(self, svg):
        boxes = [label_box(e) for e in with_class(svg, 'text', 'label')]
        for i, box in enumerate(boxes):
            self.assertFalse([b for b in boxes[:i] if overlap(box, b)], 'labels overlap')
            self.assertTrue(0 <= box[0] and box[2] <= 400 and 0 <= box[1] and box[3] <= 380, box)
            for point in with_class(svg, 'circle', 'point'):
                x, y = float(point.get('cx')), float(point.get('cy'))
                self.assertFalse(box[0] < x < box[2] and box[1] < y < box[3], 'a label covers a point')
        return len(boxes)


class Plot(MadeUp):
    ROWS = [('A', 2_000_000, 0.2), ('B', 2_400_000, 0.25), ('C', 3_000_000, 0.05), ('D', 3_000_000, 0.06),
            ('E', 3_500_000, 0.05), ('F', 4_000_000, 0.01), ('G', 5_000_000, 0.0005)]
    FRONT = {'A', 'C', 'F', 'G'}

    def test_every_measured_variant_is_a_point_and_the_front_is_what_nothing_beats(self):
        self.only(self.ROWS)
        page, svg, _ = self.plot()
        points = with_class(svg, 'circle', 'point')
        self.assertEqual(len(points), len(self.ROWS))
        front = {re.match(MODEL + ':([A-Z])', e[0].text).group(1) for e in with_class(svg, 'circle', 'front')}
        self.assertEqual(front, self.FRONT)
        numbers = self.ok('plot', MODEL, '--json').json
        self.assertEqual({v['variant'] for v in numbers['variants'] if v['on_front']}, self.FRONT)
        self.assertEqual(len([v for v in numbers['variants'] if v['measured']]), len(self.ROWS))
        line = with_class(svg, 'polyline', 'front-line')[0].get('points').split()
        self.assertEqual(len(line), len(self.FRONT))
        self.assertEqual(sorted(line, key=lambda p: float(p.split(',')[0])), line)
        self.assertEqual(len(page.all('circle')), len(self.ROWS))
        self.assertEqual(len(page.all('tr', class_='front')), len(self.FRONT))

    def test_places_follow_size_and_the_logarithm_of_loss(self):
        self.only(self.ROWS)
        _, svg, _ = self.plot()
        at = {}
        for e in with_class(svg, 'circle', 'point'):
            at[e[0].text.split(':')[1]] = (float(e.get('cx')), float(e.get('cy')))
        rows = {name: (size, math.log(loss)) for name, size, loss in self.ROWS}
        for i, scale in ((0, (at['G'][0] - at['A'][0]) / (rows['G'][0] - rows['A'][0])),
                         (1, (at['G'][1] - at['A'][1]) / (rows['G'][1] - rows['A'][1]))):
            for name in rows:
                self.assertAlmostEqual(at[name][i], at['A'][i] + scale * (rows[name][i] - rows['A'][i]), delta=0.05)
        self.assertGreater(at['G'][0], at['A'][0])
        self.assertGreater(at['G'][1], at['A'][1])    # Less loss is further down.

    def test_error_bars_span_twice_the_standard_error(self):
        self.only([('A', 2_000_000, 0.2, 0.1), ('B', 3_000_000, 0.02, 0.0)])
        _, svg, _ = self.plot()
        bars = with_class(svg, 'path', 'bar')
        self.assertEqual(len(bars), 1)
        low, high = (float(v) for v in re.match(r'M\S+ (\S+)V(\S+)M', bars[0].get('d')).groups())
        y = {e[0].text.split(':')[1]: float(e.get('cy')) for e in with_class(svg, 'circle', 'point')}
        decade = y['B'] - y['A']
        self.assertAlmostEqual((low - high) / decade, math.log10(0.3 / 0.1), delta=0.01)

    def test_labels_of_a_crowd_do_not_overlap(self):
        crowd = [('V%02d_K_M' % i, 3_000_000 + 20_000 * (i % 7), 0.03 * 1.02 ** i) for i in range(24)]
        self.only(crowd + [('FAR', 6_000_000, 0.0001)])
        _, svg, text = self.plot()
        labels = self.check_labels(svg)
        self.assertGreater(labels, 16)
        self.assertEqual('for lack of room' in text, labels < 25)

    def test_where_there_is_no_room_for_a_label_the_page_says_so(self):
        self.only([('V%03d_K_M' % i, 3_000_000 + i, 0.03) for i in range(400)])
        _, svg, text = self.plot()
        self.assertEqual(len(with_class(svg, 'circle', 'point')), 400)
        labels = self.check_labels(svg)
        self.assertLess(labels, 400)
        self.assertIn('%d points bear no label' % (400 - labels), text)

    def test_long_labels_are_cut_and_stay_inside(self):
        self.only([('N' * 60, 2_000_000, 0.2), ('M' * 60, 6_000_000, 0.1)])
        _, svg, text = self.plot()
        self.assertEqual(self.check_labels(svg), 2)
        self.assertIn('N' * 60, text)
        self.assertNotIn('N' * 60, [e.text for e in with_class(svg, 'text', 'label')])

    def test_one_point_and_a_loss_of_nothing_have_a_place(self):
        self.only([('A', 2_000_000, 0.1), ('ZERO', 9_000_000, 0.0), ('LESS', 9_500_000, -1e-15)])
        _, svg, _ = self.plot()
        self.assertEqual(len(with_class(svg, 'circle', 'hollow')), 2)
        self.db.execute("DELETE FROM variants WHERE name IN ('ZERO', 'LESS')")
        self.db.commit()
        _, svg, _ = self.plot()
        point, = with_class(svg, 'circle', 'point')
        self.assertTrue(56 < float(point.get('cx')) < 388 and 30 < float(point.get('cy')) < 334)
        self.db.execute('UPDATE measurements SET kld_mean = 0, kld_se = 0')
        self.db.commit()
        self.assertEqual(len(with_class(self.plot()[1], 'circle', 'hollow')), 1)

    def test_measurements_of_different_kinds_are_not_mixed(self):
        for name, size, loss in self.ROWS:
            self.add(name, size, loss, text_sha256='a' * 64, text_name='one.txt')
        self.add('OTHER', 2_500_000, 0.001, text_sha256='b' * 64, text_name='other.txt')
        self.add('LONG', 2_500_000, 0.001, text_sha256='a' * 64, context_length=2048)
        self.add('FLOAT', 2_500_000, 0.001, text_sha256='a' * 64, activations='f32')
        self.add('NEVER', 2_500_000, None)
        self.db.execute('DELETE FROM variants WHERE id = ?', (self.q4_id,))
        self.db.commit()
        page, svg, text = self.plot()
        self.assertEqual(len(with_class(svg, 'circle', 'point')), len(self.ROWS))
        numbers = self.ok('plot', MODEL, '--json').json
        self.assertEqual(numbers['measured']['text_sha256'], 'a' * 64)
        for words in ('OTHER (on other.txt)', 'LONG (in contexts of 2048)', 'FLOAT (', 'Not measured yet: NEVER'):
            self.assertIn(words, numbers['left_out'])
            self.assertIn(words, text)
        self.assertIn('a' * 12, text)
        self.assertIn('one.txt', text)

    def test_the_latest_measurement_of_a_kind_counts(self):
        made = self.add('A', 2_000_000, 0.9)
        self.copied('measurements', 'variant_id = %d' % made, kld_mean=0.125)
        self.db.commit()
        losses = {v['variant']: v['kld_mean'] for v in self.ok('plot', MODEL, '--json').json['variants']}
        self.assertEqual(losses['A'], 0.125)

    def test_a_page_needs_nothing_else_and_serves_phone_print_and_dark(self):
        page, _, text = self.plot()
        self.assertFalse(page.all('script') + page.all('link') + page.all('img') + page.all('iframe'))
        for outside in ('http:', 'https:', 'url(', '@import'):
            self.assertNotIn(outside, text.replace('http://www.w3.org/2000/svg', ''))
        self.assertEqual(len(page.all('meta', name='viewport')), 1)
        for rule in ('@media print', 'prefers-color-scheme: dark', 'overflow-x: auto'):
            self.assertIn(rule, text)
        for attributes, _ in page.all('svg'):
            self.assertTrue(attributes['viewbox'].startswith('0 0 400 '))
            self.assertNotIn('width', attributes)
        self.assertTrue(text.startswith('<!DOCTYPE html>'))

    def test_the_heat_map_has_a_cell_for_each_tensor_that_lost(self):
        recipe = self.ok('show', MODEL + ':Q4_0', '--json').json['recipe']
        lossy = {r['tensor']: r['relative'] for r in recipe if r['relative'] and r['relative'] > 0}
        page, _, text = self.plot('--variant', 'q4_0')
        cells = page.all('rect', class_='cell')
        self.assertEqual(len(cells), len(lossy))
        places = {(c['x'], c['y']) for c, _ in cells}
        self.assertEqual(len(places), len(cells))
        for attributes, title in cells:
            name = title.split(':')[0]
            self.assertAlmostEqual(float(title.split()[-1]), lossy[name], delta=0.001 * lossy[name])
        opacity = {title.split(':')[0]: float(c['fill-opacity']) for c, title in cells}
        self.assertEqual(opacity[max(lossy, key=lossy.get)], 1)
        order = [opacity[name] for name in sorted(lossy, key=lossy.get)]
        self.assertEqual(order, sorted(order))
        self.assertLess(order[0], order[-1])
        rows = {c['y'] for c, title in cells if 'ffn_down' in title}
        self.assertEqual(len(rows), 1)

    def test_hostile_names_are_text(self):
        self.db.execute('UPDATE models SET name = ?', ('m' + HOSTILE,))
        self.db.execute('UPDATE recipes SET tensor = ? WHERE position = 1', ('blk.0.' + HOSTILE + '.weight',))
        self.db.execute('UPDATE recipes SET tensor = ? WHERE position = 2', ('blk.99999999999999999999.x.weight',))
        self.db.execute('UPDATE measurements SET text_name = ?, text_sha256 = ?, activations = ?', (HOSTILE,) * 3)
        self.db.execute('UPDATE variants SET method = ? WHERE id = ?', (HOSTILE, self.q4_id))
        self.db.execute('UPDATE variants SET name = ? WHERE id = ?', ('v' + HOSTILE + '../../x', self.q4_id))
        self.db.commit()
        path = self.db.execute('SELECT path FROM variants WHERE id = ?', (self.q4_id,)).fetchone()[0]
        self.ok('plot', path, '--output', 'p.html', '--svg', 'p.svg')
        text = self.read('p.html').decode()
        page = Page(text)
        self.assertEqual(page.wrong, [])
        self.assertFalse(page.all('script'))
        self.assertNotIn('<script', text)
        self.assertNotIn('\x01', text)
        self.assertNotIn('\u202e', text)
        self.assertIn('&lt;script&gt;', text)
        xml.fromstring(self.read('p.svg'))
        for at in [m.start() for m in re.finditer('<svg', text)]:
            xml.fromstring(text[at:text.index('</svg>', at) + 6])
        before = set(os.listdir(self.folder))
        self.ok('plot', path)
        made, = set(os.listdir(self.folder)) - before
        self.assertRegex(made, r'^[A-Za-z0-9._-]+\.html$')

    def test_absurd_numbers_still_make_a_page(self):
        self.ok('bench', MODEL + ':Q4_0', '--rounds', '1', '--decode-tokens', '2')
        tokens = self.add('FAST', 2 ** 62, 1e300, 1e308)
        self.add('TINY', 0, 1e-300)
        self.add('ENDLESS', 1, float('inf'))
        self.copied('speeds', 'variant_id = %d' % self.q4_id, variant_id=tokens, decode_per_second=1.7e308)
        self.db.commit()
        page, svg, text = self.plot()
        for e in svg.iter():
            for value in (e.get(k) for k in ('x', 'y', 'cx', 'cy', 'x1', 'x2', 'y1', 'y2')):
                self.assertTrue(value is None or -1 <= float(value) <= 401, value)
        words = [e for e in with_class(svg, 'text', 'tick') if e.text and float(e.get('x')) < 56]
        self.assertLess(len(words), 20)
        self.assertNotRegex(text, r'"[^"]*\b(nan|inf)\b[^"]*"')

    def test_files_go_where_they_are_told_and_replace_whole(self):
        self.ok('plot', MODEL)
        self.assertTrue(self.read(MODEL + '.html').startswith(b'<!DOCTYPE html>'))
        os.remove(self.path(MODEL + '.html'))
        self.assertIsNone(self.ok('plot', MODEL, '--json').json['html'])
        self.ok('plot', MODEL, '--svg', 'only.svg')
        self.assertFalse(os.path.exists(self.path(MODEL + '.html')))
        self.fails(3, 'plot', MODEL, '--output', 'no/such/folder.html', says='no/such/folder.html')
        self.write('there.html', b'old')
        self.ok('plot', MODEL, '--output', 'there.html')
        self.assertIn(b'</html>', self.read('there.html'))

    def test_what_cannot_be_plotted_is_said(self):
        self.fails(3, 'plot', 'no-such', says='no-such')
        self.fails(3, 'plot', MODEL, '--variant', 'Q9', says=['"Q9"', 'Q4_0'])
        self.db.execute('UPDATE measurements SET kld_mean = NULL')
        self.db.commit()
        self.fails(3, 'plot', MODEL, says=['measured', 'quantctl eval'])
        self.assertFalse(os.path.exists(self.path(MODEL + '.html')))


class Recommend(MadeUp):
    def recommend(self, *args):
        return self.ok('recommend', MODEL, *args, '--json').json

    def test_measured_comes_before_predicted_numbers_of_its_own_and_all_are_ranked(self):
        self.add('Q8_0', 5_650_000, 0.001)
        self.db.commit()
        got = self.recommend('--memory', '1G')
        losses = [c['kld_mean'] for c in got['candidates']]
        self.assertEqual(losses, sorted(losses))
        kinds = {c['type']: c['kld_is'] for c in got['candidates']}
        self.assertEqual((kinds['BF16'], kinds['Q8_0'], kinds['Q4_0'], kinds['Q6_K']),
                         ('base', 'measured', 'measured', 'predicted'))
        self.assertEqual(len(kinds), len(got['candidates']))
        measured = {c['type']: c['kld_mean'] for c in got['candidates']}
        self.assertEqual(measured['Q8_0'], 0.001)
        self.assertTrue(measured['Q8_0'] < measured['Q6_K'] < measured['Q4_0'])

    def test_predicted_sizes_are_what_a_dry_run_says(self):
        for c in self.recommend('--memory', '1G')['candidates']:
            if c['kld_is'] == 'predicted':
                dry = self.ok('quantize', MODEL, c['type'], '--dry-run', '--json').json
                self.assertEqual(c['bytes'], dry['output_bytes'])
                self.assertEqual(c['command'], 'quantctl quantize %s %s' % (MODEL, c['type']))

    def test_needs_are_file_context_and_overhead(self):
        short, long = self.recommend('--memory', '1G', '--ctx', '100'), self.recommend('--memory', '1G', '--ctx', '200')
        with open(os.path.join(model_folder(), 'config.json')) as file:
            config = json.load(file)
        heads = config['num_attention_heads']
        head = config.get('head_dim', config['hidden_size'] // heads)
        token = 2 * 2 * config['num_hidden_layers'] * config.get('num_key_value_heads', heads) * head
        self.assertEqual((short['kv_bytes'], long['kv_bytes']), (100 * token, 200 * token))
        for c in short['candidates']:
            self.assertEqual(c['needed_bytes'], c['bytes'] + short['kv_bytes'] + short['overhead_bytes'])

    def test_the_best_is_what_fits_with_least_loss(self):
        every = self.recommend('--memory', '1G')['candidates']
        for limit in sorted(c['needed_bytes'] for c in every):
            got = self.recommend('--memory', str(limit))
            fitting = [c for c in every if c['needed_bytes'] <= limit]
            least = min(fitting, key=lambda c: (c['kld_mean'], c['bytes']))
            self.assertEqual(got['best'], least['name'] or least['type'])
            self.assertEqual([c['fits'] for c in got['candidates']], [c['needed_bytes'] <= limit for c in every])

    def test_nothing_fits_tells_the_smallest(self):
        smallest = min(c['needed_bytes'] for c in self.recommend('--memory', '1G')['candidates'])
        grouped = '{:,} bytes'.format(smallest)
        done = self.fails(6, 'recommend', MODEL, '--memory', str(smallest - 1), says=[grouped, 'the smallest'])
        self.assertEqual(done.out, b'')
        self.recommend('--memory', str(smallest))

    def test_speeds_are_measured_or_in_proportion_to_bytes(self):
        self.fails(3, 'recommend', MODEL, '--memory', '1G', '--min-speed', '10', says='quantctl bench')
        self.ok('bench', MODEL + ':Q4_0', '--rounds', '1', '--decode-tokens', '2')
        self.db.execute('UPDATE speeds SET decode_per_second = 100')
        self.db.commit()
        got = self.recommend('--memory', '1G')['candidates']
        q4, = [c for c in got if c['type'] == 'Q4_0']
        self.assertEqual((q4['decode_per_second'], q4['speed_is']), (100, 'measured'))
        for c in got:
            if c is not q4:
                self.assertEqual(c['speed_is'], 'predicted')
                self.assertAlmostEqual(c['decode_per_second'], 100 * q4['bytes'] / c['bytes'], delta=1e-6)
        best = self.recommend('--memory', '1G', '--min-speed', '80')
        fast = [c for c in got if c['decode_per_second'] >= 80]
        self.assertEqual(best['best'], fast[0]['name'] or fast[0]['type'])
        self.fails(3, 'recommend', MODEL, '--memory', '1G', '--min-speed', '1e6', says='tokens a second')

    def test_a_file_that_has_gone_is_to_be_made_again(self):
        os.remove(self.db.execute('SELECT path FROM variants WHERE id = ?', (self.q4_id,)).fetchone()[0])
        q4, = [c for c in self.recommend('--memory', '1G')['candidates'] if c['type'] == 'Q4_0']
        self.assertEqual((q4['exists'], q4['kld_is']), (False, 'measured'))
        self.assertEqual(q4['command'], 'quantctl quantize %s Q4_0' % MODEL)

    def test_an_import_beside_the_base_is_no_base(self):
        self.db.execute('DELETE FROM measurements')
        self.db.execute("UPDATE variants SET base_id = NULL, type = '' WHERE id = ?", (self.q4_id,))
        self.db.commit()
        kinds = {c['type']: c['kld_is'] for c in self.recommend('--memory', '1G')['candidates']}
        self.assertEqual((kinds['BF16'], kinds['Q4_0']), ('base', 'predicted'))

    def test_sizes_are_decimal_or_binary(self):
        for words, size in (('1G', 10 ** 9), ('0.5GiB', 2 ** 29), ('800M', 8 * 10 ** 8), ('900000000', 9 * 10 ** 8)):
            self.assertEqual(self.recommend('--memory', words)['memory_bytes'], size)
        for words in ('6X', '-1G', 'nan', 'G', '', '1e99G', '6 G!'):
            with self.subTest(words=words):
                self.fails(2, 'recommend', MODEL, '--memory', words, says='--memory')
        self.fails(2, 'recommend', MODEL)

    def test_for_a_person_it_ends_with_the_one_command(self):
        small = min(c['needed_bytes'] for c in self.recommend('--memory', '1G')['candidates'])
        text = self.ok('recommend', MODEL, '--memory', str(small)).text
        self.assertRegex(text, r'predicted')
        self.assertRegex(text.splitlines()[-1], r'Make it: quantctl quantize %s \w+$' % MODEL)


class RecommendWithoutCatalog(CliCase):
    def test_a_model_nobody_measured_gets_predictions_only_and_nothing_is_recorded(self):
        got = self.ok('recommend', MODEL, '--memory', '1G', '--json').json
        self.assertEqual({c['kld_is'] for c in got['candidates']}, {'base', 'predicted'})
        self.assertIn('typical', got['loss_basis'])
        self.assertEqual(self.ok('list', '--json').json['variants'], [])
        path = self.ok('recommend', model_folder(), '--memory', '1G', '--json').json
        self.assertEqual(len(path['candidates']), len(got['candidates']))
        odd = self.path("o'dd name")
        os.symlink(model_folder(), odd)
        got = self.ok('recommend', odd, '--memory', '77M', '--json').json
        self.assertIn("'%s'" % odd.replace("'", "'\\''"), got['command'])


if __name__ == '__main__':
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

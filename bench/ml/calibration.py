"""Whether a confidence is right: reliability table, its error, and a plot."""

import numpy as np

BINS = 10
SIZE, MARGIN = 360, 52


def reliability(sure, right):
    """Of each tenth of confidence with answers in it: (from, to, answers, mean confidence, share of right ones)."""
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    table = []
    for at in range(BINS):
        inside = place == at
        if inside.any():
            table.append((at / BINS, (at + 1) / BINS, int(inside.sum()), float(sure[inside].mean()), float(right[inside].mean())))
    return table


def calibration_error(table):
    """Mean distance between confidence and share of right answers, weighted by answers."""
    answers = sum(count for _, _, count, _, _ in table)
    return sum(count * abs(mean - share) for _, _, count, mean, share in table) / answers


def plot(table, path, caption):
    """An SVG: a point a bin, as large as it has answers; on the diagonal confidence is right."""
    x = lambda value: MARGIN + value * SIZE
    y = lambda value: MARGIN / 2 + (1 - value) * SIZE
    most = max(count for _, _, count, _, _ in table)
    ticks = "".join(
        f'<text x="{x(tick):.0f}" y="{y(0) + 16:.0f}" text-anchor="middle">{tick:.1f}</text>'
        f'<text x="{x(0) - 6:.0f}" y="{y(tick) + 4:.0f}" text-anchor="end">{tick:.1f}</text>'
        f'<path d="M{x(tick):.0f} {y(0):.0f}V{y(1):.0f}M{x(0):.0f} {y(tick):.0f}H{x(1):.0f}" stroke="#8884" fill="none"/>'
        for tick in (0, 0.2, 0.4, 0.6, 0.8, 1)
    )
    line = " ".join(f"{x(mean):.1f},{y(share):.1f}" for _, _, _, mean, share in table)
    points = "".join(
        f'<circle cx="{x(mean):.1f}" cy="{y(share):.1f}" r="{3 + 7 * (count / most) ** 0.5:.1f}" fill="#2a78d6">'
        f"<title>{count} conflicts: {mean:.3f} sure, {share:.3f} right</title></circle>"
        for _, _, count, mean, share in table
    )
    width, height = SIZE + 2 * MARGIN, SIZE + MARGIN * 2
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'font-family="system-ui, sans-serif" font-size="11" fill="#777">'
            f'{ticks}<path d="M{x(0)} {y(0)}L{x(1)} {y(1)}" stroke="#888" stroke-dasharray="4 4"/>'
            f'<polyline points="{line}" fill="none" stroke="#2a78d6" stroke-width="1.5"/>{points}'
            f'<text x="{x(0.5):.0f}" y="{y(0) + 34:.0f}" text-anchor="middle">confidence of the suggestion ({caption})</text>'
            f'<text transform="translate(14 {y(0.5):.0f}) rotate(-90)" text-anchor="middle">share that the person chose</text></svg>\n'
        )

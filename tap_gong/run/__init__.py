"""How a run goes: side by side, with checkpoints. Knows neither Gong nor Singer."""

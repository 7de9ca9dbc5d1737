"""How the closed world sounds: voices, noises and music made by code, coded as they ship."""

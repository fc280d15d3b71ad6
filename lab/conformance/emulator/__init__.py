"""The template and the workflow on an emulator that shares nothing with moto: does it see them as moto does?"""
